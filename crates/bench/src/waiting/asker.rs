//! One connection of one client: it asks a person and fetches the answer (CIBA 7.1, 10.1, 11).

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::participants::CIBA;
use crate::Outcome;
use crate::agent::BenchAgent;
use crate::load::{self, Message};
use crate::request::{Pairs, SignedPost};
use crate::scene::{BANK, SCOPE};
use crate::server::Server;

/// The longest that a request may wait.
const EXPIRY: &str = "3600";
/// For pings and pushes (CIBA 7.1): what they show.
pub const NOTIFICATION_TOKEN: &str = "bench-notification-token-0123456789";
/// As long as a poll can be held.
const HOLD: &str = "prefer: wait=25\r\n";

pub struct Asker<'a> {
    server: &'a Server,
    agent: &'a BenchAgent,
    stream: TcpStream,
    pub nonce: String,
}

/// What the server says to a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollResult {
    Token,
    Pending,
    SlowDown,
}

impl<'a> Asker<'a> {
    pub fn connect(server: &'a Server, agent: &'a BenchAgent) -> Outcome<Self> {
        Ok(Self {
            server,
            agent,
            stream: TcpStream::connect(server.address)?,
            nonce: String::new(),
        })
    }

    /// `message` tells one question from another. The answer is its `auth_req_id`.
    pub fn ask(&mut self, person: &str, message: &str) -> Outcome<String> {
        let form = vec![
            ("scope", SCOPE.to_owned()),
            ("resource", BANK.to_owned()),
            ("login_hint", person.to_owned()),
            ("binding_message", message.to_owned()),
            ("requested_expiry", EXPIRY.to_owned()),
            ("client_notification_token", NOTIFICATION_TOKEN.to_owned()),
        ];
        let answer = self.exchange("/bc-authorize", &form)?.json()?;
        let id = answer.get("auth_req_id").and_then(Value::as_str);
        Ok(id.ok_or_else(|| format!("not asked but {answer}"))?.into())
    }

    pub fn poll(&mut self, auth_req_id: &str) -> Outcome<PollResult> {
        polled(&self.exchange("/token", &fetch(auth_req_id))?)
    }

    /// The token that a person agreed to.
    pub fn token(&mut self, auth_req_id: &str) -> Outcome<String> {
        access_token(&self.exchange("/token", &fetch(auth_req_id))?)
    }

    /// A token for its own work, with these objects.
    pub fn own_token(&mut self, details: &Value) -> Outcome<String> {
        let form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("scope", SCOPE.to_owned()),
            ("resource", BANK.to_owned()),
            ("authorization_details", details.to_string()),
        ];
        access_token(&self.exchange("/token", &form)?)
    }

    /// A long poll; [`Self::held`] is its answer.
    pub fn hold(&mut self, auth_req_id: &str) -> Outcome<()> {
        let request = self.post("/token").bytes(fetch(auth_req_id), HOLD)?;
        load::send(&mut self.stream, &request)
    }

    pub fn held(&mut self) -> Outcome<PollResult> {
        let answer = load::answer(&mut self.stream)?;
        self.remember(&answer);
        polled(&answer)
    }

    /// Whether an answer comes in that time.
    pub fn is_answered(&self, within: Duration) -> Outcome<bool> {
        let wait = within.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(wait))?;
        match self.stream.peek(&mut [0]) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Again with a nonce, if one was missing.
    fn exchange(&mut self, path: &'static str, form: &Pairs) -> Outcome<Message> {
        let answer = self.once(path, form)?;
        let known = self.nonce.clone();
        self.remember(&answer);
        if !answer.is_ok() && known != self.nonce && says(&answer, "use_dpop_nonce") {
            return self.once(path, form);
        }
        Ok(answer)
    }

    fn once(&mut self, path: &'static str, form: &Pairs) -> Outcome<Message> {
        let request = self.post(path).bytes(form.clone(), "")?;
        load::exchange(&mut self.stream, &request)
    }

    fn post(&self, path: &'static str) -> SignedPost<'_> {
        SignedPost {
            agent: self.agent,
            server: self.server,
            path,
            nonce: &self.nonce,
        }
    }

    fn remember(&mut self, answer: &Message) {
        if let Some(nonce) = answer.header("dpop-nonce") {
            nonce.clone_into(&mut self.nonce);
        }
    }
}

fn fetch(auth_req_id: &str) -> Pairs {
    vec![
        ("grant_type", CIBA.to_owned()),
        ("auth_req_id", auth_req_id.to_owned()),
    ]
}

fn access_token(answer: &Message) -> Outcome<String> {
    let body = answer.json()?;
    let token = body.get("access_token").and_then(Value::as_str);
    Ok(token.ok_or_else(|| format!("no token but {body}"))?.into())
}

fn polled(answer: &Message) -> Outcome<PollResult> {
    if answer.is_ok() {
        return Ok(PollResult::Token);
    }
    if says(answer, "authorization_pending") {
        return Ok(PollResult::Pending);
    }
    if says(answer, "slow_down") {
        return Ok(PollResult::SlowDown);
    }
    Err(format!("a poll: {}", String::from_utf8_lossy(&answer.body)).into())
}

fn says(answer: &Message, code: &str) -> bool {
    let body = answer.json().unwrap_or_default();
    body.get("error").and_then(Value::as_str) == Some(code)
}
