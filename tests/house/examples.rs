//! The Rust that pages of the documentation show, line by line: `documented.rs` looks each block up here, and the compiler reads it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use writ_agent::{
    Agent, AgentEnvironment, Confirm, DeviceIntent, Error, Grant, JwkSet, Key, ResourceKeys,
};
use writ_verifier::{
    Caller, ClientSecret, Decisions, DecisionsConfig, GatedAction, Level, LiveCheck, ProofsJudged,
    SpendStore, Spends, StepUp, TransactionSigner, Verifier, VerifierConfig, VerifierEnvironment,
    Waiting,
};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

#[rustfmt::skip]
fn keys_of_an_agent() -> Result<(), Box<dyn StdError>> {
    let outside = AgentEnvironment::system()?;           // HTTPS, the system's clock and random numbers
    let assertion = Key::generate(&outside.random);      // says who the agent is: registered
    let dpop = Key::generate(&outside.random);           // holds its tokens: never registered
    println!("{}", serde_json::to_string(&JwkSet { keys: vec![assertion.public_jwk()] })?);
    std::fs::write("assertion.pem", assertion.to_pkcs8_pem()?.expose())?; // later: Key::from_pkcs8_pem
    drop(dpop);
    Ok(())
}

#[rustfmt::skip]
async fn a_person_for_one_action(agent: Agent, grant: Grant, payment: fn() -> http::Request<Bytes>) -> Result<(), Error> {
    if let Err(Error::Resource(refused)) = agent.call(&grant, payment()).await {
        let ask = Confirm::refused(&refused).binding_message("Booking 7KQ2PX");
        let mut question = agent.confirm(&grant, &ask).await?;
        println!("type {:?} on your phone", question.number_to_match); // where the client is registered for it
        let once = question.wait(&agent, tokio::time::sleep).await?;
        agent.call(&once, payment()).await?;
    }
    Ok(())
}

#[rustfmt::skip]
fn challenges_of_a_resource(agent: Agent, jwks: JwkSet) -> Result<Agent, Error> {
    let keys = ResourceKeys::default().with("https://bank.example", &jwks)?; // what the bank publishes at its txn_challenge_jwks_uri
    let agent = agent.accept_challenges(keys)?;                              // refused where the server has no endpoint for them
    Ok(agent)
}

#[rustfmt::skip]
async fn a_terminal(agent: Agent) -> Result<Grant, Error> {
    let mut pending = agent.device(&DeviceIntent { scope: "accounts:read".into(), ..DeviceIntent::default() }).await?;
    println!("open {} and enter {}", pending.verification_uri, pending.user_code);
    let grant = pending.wait(&agent, tokio::time::sleep).await?;
    Ok(grant)
}

#[rustfmt::skip]
fn a_verifier(client_id: String, client_secret: ClientSecret, my_table: impl SpendStore + 'static) -> Result<Verifier, Box<dyn StdError>> {
    let bank = ResourceUri::parse("https://bank.example")?;
    let mut config = VerifierConfig::new("https://as.example", bank, "https://bank.example");
    config.agents_only = true;
    config.live = LiveCheck::Introspection { client_id, client_secret, cache: Duration::from_secs(1) };
    config.spends = Spends::Store(Arc::new(my_table));
    let verifier = Verifier::new(config, VerifierEnvironment::system()?)?;
    Ok(verifier)
}

#[rustfmt::skip]
async fn a_protected_endpoint(verifier: Verifier, caller: Caller, payment: Detail) -> Result<(), Box<dyn StdError>> {
    caller.require_scope("accounts:read")?;
    let permit = verifier.permit(&caller, &payment).await?; // exactly what is about to happen, as a Detail
    drop(permit);
    Ok(())
}

#[rustfmt::skip]
async fn a_gated_action(client_id: String, client_secret: ClientSecret, caller: Caller) -> Result<(), Box<dyn StdError>> {
    async fn delete(folder: &str, judged: serde_json::Map<String, serde_json::Value>) -> Result<(), String> {
        Err(format!("{folder} has no {judged:?}"))
    }
    let (folder, arguments) = ("notes", serde_json::Map::new());
    let resource = ResourceUri::parse("https://notes.example")?;
    let config = DecisionsConfig { issuer: "https://as.example".into(), resource, client_id, client_secret, proofs: ProofsJudged::Here };
    let decisions = Decisions::new(config, VerifierEnvironment::system()?)?;
    let action = GatedAction::named("delete_note", arguments)?; // refused if two JSON parsers could read it differently
    let deleted = decisions.gated(&caller, action, &Waiting::default(), |judged| delete(folder, judged)).await?;
    deleted?;
    Ok(())
}

#[rustfmt::skip]
fn a_stronger_login(caller: Caller) -> Result<(), Box<dyn StdError>> {
    caller.require_login(&StepUp::level(Level::Passkey).max_age(Duration::from_secs(300)))?;
    Ok(())
}

#[rustfmt::skip]
fn a_signed_challenge() -> Result<(), Box<dyn StdError>> {
    let signer = TransactionSigner::generate()?.with_reason("More than the daily limit").with_jwks_uri("https://bank.example/keys");
    println!("{}", serde_json::to_string(&signer.jwks())?);    // `txn_challenge_jwks` of RESOURCE.json, and what that address serves
    std::fs::write("challenge.p8", signer.to_pkcs8())?;        // later: TransactionSigner::from_pkcs8
    Ok(())
}
