//! The measured token requests: client credentials, and token exchanges along a chain of four agents. Signed before they are sent.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::Outcome;
use crate::agent::BenchAgent;
use crate::load::{self, Message};
use crate::request::{Pairs, SignedPost};
use crate::server::{Server, ServerSettings};

pub const BANK: &str = "https://bank.example";
pub const OWNER: &str = "alice";
/// Each agent delegates to the next one.
pub const CHAIN: [&str; 4] = ["agt_planner", "agt_booker", "agt_payer", "agt_courier"];
/// `act` objects of the measured token.
const DEPTH: usize = 3;
pub const SCOPE: &str = "accounts:read";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MeasuredGrant {
    Credentials,
    HandOver,
}

impl MeasuredGrant {
    pub const ALL: [Self; 2] = [Self::Credentials, Self::HandOver];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Credentials => "client_credentials",
            Self::HandOver => "hand over, depth 3",
        }
    }

    pub const fn event(self) -> &'static str {
        match self {
            Self::Credentials => "token.issued",
            Self::HandOver => "token.exchanged",
        }
    }

    /// Signatures that the server verifies: client assertion and proof; for an exchange the subject token and the actor assertion too.
    pub const fn verifications(self) -> u32 {
        match self {
            Self::Credentials => 2,
            Self::HandOver => 4,
        }
    }
}

/// A server with a chain that lacks the last token exchange.
pub struct Scene<'a> {
    agents: &'a [BenchAgent; 4],
    server: &'a Server,
    nonce: String,
    /// Held by the third agent.
    subject_token: String,
}

impl<'a> Scene<'a> {
    /// Without the chain: for `client_credentials` alone.
    pub fn without_chain(settings: &'a ServerSettings<'_>, server: &'a Server) -> Outcome<Self> {
        let mut scene = Self {
            agents: &settings.agents,
            server,
            nonce: String::new(),
            subject_token: String::new(),
        };
        let [planner, ..] = scene.agents;
        let mut stream = TcpStream::connect(server.address)?;
        let refused = load::exchange(&mut stream, &scene.request(planner, credentials())?)?;
        let nonce = refused.header("dpop-nonce").ok_or("no nonce was given")?;
        nonce.clone_into(&mut scene.nonce);
        Ok(scene)
    }

    pub fn open(settings: &'a ServerSettings<'_>, server: &'a Server) -> Outcome<Self> {
        let mut scene = Self::without_chain(settings, server)?;
        let [planner, booker, payer, _] = scene.agents;
        let mut stream = TcpStream::connect(server.address)?;
        let mut details = credentials();
        details.push(("authorization_details", json!([tool_calls(20)]).to_string()));
        let mut token = scene.token(&mut stream, planner, details)?;
        for (from, to) in [(planner, booker), (booker, payer)] {
            let form = scene.hand_over(from, to, &token)?;
            token = scene.token(&mut stream, from, form)?;
        }
        scene.subject_token = token;
        scene.check_depth(&mut stream)?;
        Ok(scene)
    }

    /// One of `client_credentials`, with this nonce.
    pub fn credentials(&self, nonce: &str) -> Outcome<Vec<u8>> {
        let [planner, ..] = self.agents;
        let post = SignedPost {
            agent: planner,
            server: self.server,
            path: "/token",
            nonce,
        };
        post.bytes(credentials(), "")
    }

    /// What a proof must name.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// So many requests, each with its own assertions and proof.
    pub fn requests(&self, grant: MeasuredGrant, count: usize) -> Outcome<Vec<Vec<u8>>> {
        let [planner, _, payer, courier] = self.agents;
        let one = || match grant {
            MeasuredGrant::Credentials => self.request(planner, credentials()),
            MeasuredGrant::HandOver => {
                let form = self.hand_over(payer, courier, &self.subject_token)?;
                self.request(payer, form)
            }
        };
        (0..count).map(|_| one()).collect()
    }

    fn token(&self, stream: &mut TcpStream, agent: &BenchAgent, form: Pairs) -> Outcome<String> {
        let answer = load::exchange(stream, &self.request(agent, form)?)?;
        token_of(&answer)
    }

    /// The measured token has three `act` objects.
    fn check_depth(&self, stream: &mut TcpStream) -> Outcome<()> {
        let [_, _, payer, courier] = self.agents;
        let form = self.hand_over(payer, courier, &self.subject_token)?;
        let token = self.token(stream, payer, form)?;
        let claims = load::claims(&token)?;
        let mut depth = 0;
        let mut place = claims.get("act");
        while let Some(act) = place {
            depth += 1;
            place = act.get("act");
        }
        if depth != DEPTH {
            return Err(format!("the token has {depth} `act` objects").into());
        }
        Ok(())
    }

    fn hand_over(&self, from: &BenchAgent, to: &BenchAgent, subject_token: &str) -> Outcome<Pairs> {
        let actor_token = to.actor_assertion(&self.server.issuer, from.id)?;
        let token_type = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
        Ok(vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange".to_owned(),
            ),
            ("subject_token", subject_token.to_owned()),
            ("subject_token_type", token_type("access_token")),
            ("actor_token", actor_token),
            ("actor_token_type", token_type("jwt")),
            ("resource", BANK.to_owned()),
        ])
    }

    fn request(&self, agent: &BenchAgent, form: Pairs) -> Outcome<Vec<u8>> {
        let post = SignedPost {
            agent,
            server: self.server,
            path: "/token",
            nonce: &self.nonce,
        };
        post.bytes(form, "")
    }
}

/// Calls of one tool: an agent may have them as its own work, which a payment is not.
pub fn tool_calls(calls: u32) -> Value {
    json!({
        "type": "mcp_tool_call", "server": BANK, "tool": "read_statement",
        "arguments": { "account": "NL91ABNA0417164300" }, "calls": calls
    })
}

/// A payment of the shipped type, with this amount.
pub fn payment(amount: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": "KLM", "account": { "iban": "NL91ABNA0417164300" } },
        "reference": "Booking 7KQ2PX"
    })
}

fn credentials() -> Pairs {
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("scope", SCOPE.to_owned()),
        ("resource", BANK.to_owned()),
    ]
}

fn token_of(answer: &Message) -> Outcome<String> {
    let body = answer.json()?;
    let token = body.get("access_token").and_then(Value::as_str);
    Ok(token
        .ok_or_else(|| format!("no token but {body}"))?
        .to_owned())
}
