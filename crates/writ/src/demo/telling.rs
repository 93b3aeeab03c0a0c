//! What the demo prints: a line for each step, which begins with who acts, in colour where the terminal has it. With `--json` an object
//! for each step, with the tokens as they are.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstyle::{AnsiColor, Style};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::cli::say;

/// How steps are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoryForm {
    Lines,
    Json,
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Player {
    Writ,
    Alice,
    Claude,
    Notes,
    Planner,
    Booker,
    Bank,
}

impl Player {
    const fn name(self) -> &'static str {
        match self {
            Self::Writ => "Writ",
            Self::Alice => "Alice",
            Self::Claude => "Claude",
            Self::Notes => "Notes",
            Self::Planner => "Planner",
            Self::Booker => "Booker",
            Self::Bank => "Bank",
        }
    }

    const fn style(self) -> Style {
        let color = match self {
            Self::Writ => AnsiColor::Magenta,
            Self::Alice => AnsiColor::Green,
            Self::Claude | Self::Planner | Self::Booker => AnsiColor::Cyan,
            Self::Notes | Self::Bank => AnsiColor::Blue,
        };
        color.on_default().bold()
    }
}

/// Something that must not succeed, and did not.
pub struct RefusedStep {
    pub what: String,
    /// As an HTTP status.
    pub status: u16,
    pub error: String,
}

/// Tells the steps, in the order in which they happen.
pub struct Teller {
    form: StoryForm,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    part: u32,
    steps: u32,
    /// What stands in tokens, and who that is.
    names: BTreeMap<String, String>,
}

impl Teller {
    pub fn new(form: StoryForm) -> Self {
        Self {
            form,
            told: Mutex::default(),
        }
    }

    /// By which name an identifier in a token is shown.
    pub fn introduce(&self, id: &str, name: &str) {
        self.told().names.insert(id.to_owned(), name.to_owned());
    }

    pub fn part(&self, title: &str) {
        let mut told = self.told();
        told.part += 1;
        if self.form == StoryForm::Lines {
            let (part, bold) = (told.part, Style::new().bold());
            print(&format!("\n{bold}{part}. {title}{bold:#}"));
        }
    }

    pub fn step(&self, who: Player, does: &str) {
        self.tell(who, does, json!({}));
    }

    /// A token was made: in a line what it says, in JSON all of it.
    pub fn token(&self, token: &str) {
        let claims = claims(token);
        let line = format!("token: {}", self.summary(&claims));
        let whole = json!({ "token": { "text": token, "claims": claims } });
        self.tell(Player::Writ, &line, whole);
    }

    pub fn refuses(&self, who: Player, refused: &[RefusedStep]) {
        let whats: Vec<&str> = refused.iter().map(|one| one.what.as_str()).collect();
        let whole: Vec<Value> = refused
            .iter()
            .map(|one| json!({ "what": one.what, "status": one.status, "error": one.error }))
            .collect();
        let line = match whats[..] {
            [one] => format!("refuses {one}"),
            _ => format!("refuses each of these: {}", whats.join("; ")),
        };
        self.tell(who, &line, json!({ "refused": whole }));
    }

    /// What a person at the terminal should know; programs that read JSON are told it as a step.
    pub fn hint(&self, text: &str) {
        self.offers(&[text.to_owned()], json!({}));
    }

    /// As a hint, of which programs read the members.
    pub fn offers(&self, lines: &[String], members: Value) {
        match self.form {
            StoryForm::Lines => lines
                .iter()
                .for_each(|line| print(&format!("{:8} {line}", ""))),
            StoryForm::Json => self.tell(Player::Writ, &lines.join("; "), members),
        }
    }

    fn tell(&self, who: Player, does: &str, mut more: Value) {
        let mut told = self.told();
        told.steps += 1;
        match self.form {
            StoryForm::Lines => {
                let (name, style) = (who.name(), who.style());
                print(&format!("{style}{name:8}{style:#} {does}"));
            }
            StoryForm::Json => {
                if let Some(members) = more.as_object_mut() {
                    members.insert("step".to_owned(), told.steps.into());
                    members.insert("part".to_owned(), told.part.into());
                    members.insert("who".to_owned(), who.name().into());
                    members.insert("does".to_owned(), does.into());
                }
                say(&more.to_string());
            }
        }
    }

    /// Who acts for whom, where, with what, until when.
    fn summary(&self, claims: &Value) -> String {
        let told = self.told();
        let name = |id: Option<&Value>| {
            let id = id.and_then(Value::as_str).unwrap_or_default();
            told.names.get(id).map_or(id, String::as_str).to_owned()
        };
        let mut chain = Vec::new();
        let mut actor = claims.get("act");
        while let Some(one) = actor {
            chain.push(name(one.get("sub")));
            actor = one.get("act");
        }
        chain.push(name(claims.get("sub")));
        let objects = claims
            .get("authorization_details")
            .and_then(Value::as_array);
        let objects = objects.into_iter().flatten().map(object);
        let scope = claims.get("scope").and_then(Value::as_str);
        let may: Vec<String> = objects.chain(scope.map(str::to_owned)).collect();
        let seconds = |name| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
        // Of a token that was made a second after the one that it ends with, too.
        let lifetime = (seconds("exp") - seconds("iat") + 30) / 60;
        let bound = match claims.get("cnf") {
            Some(_) => "bound to its key",
            None => "bound to no key",
        };
        let basis = claims
            .get("approval")
            .and_then(|approval| approval.get("basis"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let basis = match basis {
            "consent" => "Alice agreed in her browser".to_owned(),
            "passkey" => "Alice signed it with her passkey".to_owned(),
            other => format!("by {other}"),
        };
        format!(
            "{} at {}: {}; {basis}; good for {lifetime} minutes; {bound}",
            chain.join(" for "),
            name(claims.get("aud")),
            may.join(", "),
        )
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A payment in a few words; of another type its name.
fn object(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let parts = (
        text("/instructed_amount/amount"),
        text("/instructed_amount/currency"),
        text("/creditor/name"),
    );
    match parts {
        (Some(amount), Some(currency), Some(to)) => format!("{amount} {currency} to {to}"),
        _ => text("/type").unwrap_or_default().to_owned(),
    }
}

pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1);
    let payload = payload.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.unwrap_or_default()
}

/// Without escape sequences where standard output is no terminal, or `NO_COLOR` is set. A closed pipe is no error.
fn print(line: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{line}");
}
