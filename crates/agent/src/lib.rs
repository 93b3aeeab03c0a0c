//! What an agent needs: keys, discovery, `authorize`, `delegate`, `confirm`, and calls to resources; typed errors that say
//! what to do next. OAuth 2.1 with PAR (RFC 9126), RAR (RFC 9396), DPoP (RFC 9449), token exchange (RFC 8693),
//! CIBA, and the device flow for terminals (RFC 8628).
//! Signatures are pure Rust; HTTP transport, clock and random numbers are given by the caller.
//!
//! ```no_run
//! use std::sync::Arc;
//! use writ_agent::{
//!     ActorCredential, Agent, AgentConfig, AgentEnvironment, AuthorizationIntent, Clock, Confirm, Error, Key, Random,
//!     RequestedAccess, Transport, details,
//! };
//!
//! # async fn example(transport: Arc<dyn Transport>, callback: &str, from_booker: &str) -> Result<(), Error> {
//! let outside = AgentEnvironment { transport, clock: Clock::System, random: Random::System };
//! let assertion = Key::generate(&outside.random); // its public_jwk() stands in the agent's registered jwks
//! let dpop = Key::generate(&outside.random);
//! let config = AgentConfig::agent("agt_planner", assertion, dpop);
//! let agent = Agent::discover("https://as.example", config, outside).await?;
//!
//! // 1. A person approves a payment for a purpose, in a browser.
//! let bank = "https://bank.example";
//! let payment = serde_json::json!([{ "type": "payment", "locations": [bank], "currency": "EUR", "amount": "412.00" }]);
//! let pending = agent
//!     .authorize(&AuthorizationIntent {
//!         redirect_uri: "http://127.0.0.1:8400/cb".into(),
//!         authorization_details: details(payment)?,
//!         purpose: Some("book the flight to Oslo".into()),
//!         ..AuthorizationIntent::default()
//!     })
//!     .await?;
//! println!("open {}", pending.url);
//! let grant = pending.complete(&agent, callback, Some(bank)).await?;
//!
//! // 2. The agent uses it at the bank: token, proof and nonces are the kit's work.
//! let request = http::Request::post("https://bank.example/payments").body("{}".into());
//! match agent.call(&grant, request.expect("a request")).await {
//!     Ok(answer) => println!("{}", answer.status()),
//!     Err(error) => println!("{error}; next: {}", error.advice()),
//! }
//!
//! // 3. Part of it goes to a sub-agent, which made an actor assertion for us with `actor_assertion`.
//! let narrower = RequestedAccess::resource(bank).scope("accounts:read");
//! let handed = agent.delegate(&grant, &ActorCredential::assertion(from_booker), &narrower).await?;
//! // The text of `handed.access_token` goes to the sub-agent, whose kit takes it with `accept`.
//!
//! // 4. The bank wants a person for one payment: they are asked on their phone, and the token is for that alone.
//! let request = http::Request::post("https://bank.example/payments").body("{}".into());
//! if let Err(Error::Resource(refused)) = agent.call(&grant, request.expect("a request")).await {
//!     let mut question = agent.confirm(&grant, &Confirm::refused(&refused)).await?;
//!     println!("type {:?} on your phone", question.number_to_match);
//!     let once = question.wait(&agent, tokio::time::sleep).await?;
//!     # let _ = once;
//! }
//! # let _ = handed; Ok(())
//! # }
//! ```

mod advice;
mod agent;
mod assertion;
mod authorization;
mod challenge;
mod confirmation;
mod device;
mod dpop;
mod error;
mod exchange;
mod introspection;
mod jwt;
mod key;
mod metadata;
mod resource;
mod secret;
#[cfg(test)]
mod tests;
mod token;
mod waiting;

pub use advice::advice;
pub use agent::{Agent, AgentConfig, AgentEnvironment, ClientAuthentication, TokenBinding};
pub use assertion::MAX_ACTOR_ASSERTION_LIFETIME;
pub use authorization::{AuthorizationIntent, PendingAuthorization, Purpose};
pub use challenge::ResourceKeys;
pub use confirmation::{Confirm, PendingConfirmation};
pub use device::{DeviceIntent, DevicePending};
pub use error::{Error, ErrorResponse};
pub use exchange::{ActorCredential, Delegated};
pub use key::{Key, PrivateKeyError};
pub use resource::ResourceRefusal;
pub use secret::Secret;
pub use token::{Grant, RequestedAccess, details};
pub use waiting::HOLD;

#[cfg(feature = "https")]
pub use writ_platform::Https;
pub use writ_platform::{BoxFuture, Clock, Random, Transport, TransportError};
pub use writ_wire::error::{ErrorCode, Excess};
pub use writ_wire::introspection::IntrospectionResponse;
pub use writ_wire::jwk::{Jwk, JwkSet};
pub use writ_wire::rar::Detail;
pub use writ_wire::time::Timestamp;
pub use writ_wire::token::TokenType;
