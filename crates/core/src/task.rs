//! Tasks: the approved unit of work. Every grant belongs to one.

use serde::{Deserialize, Serialize};
use writ_authority::{Authority, Level};
use writ_wire::claims::{ApprovalBasis, ApprovalClaim, DecidedBy};
use writ_wire::time::Timestamp;

use crate::id::{ApprovalId, ClientId, TaskId, TransactionId};

/// What a new task is written with, and what tokens below it say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: TaskId,
    /// Person, agent (its own work) or plain client.
    pub subject: Subject,
    /// The client that asked for it.
    pub client: ClientId,
    /// What the person approved; absent for implicit tasks.
    pub purpose: Option<String>,
    pub authority: Authority,
    /// Makes `authority_hash` unguessable for a small authority.
    pub salt: String,
    pub transaction: TransactionId,
    pub approval: Approval,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// For whom. The three kinds are told apart by `sub_profile` in tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Person(String),
    Agent(String),
    Client(String),
}

impl Subject {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Person(id) | Self::Agent(id) | Self::Client(id) => id,
        }
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Agent(_) => "agent",
            Self::Client(_) => "client",
        }
    }

    /// From a row; `None` for a kind that this code does not know.
    pub fn from_row(kind: &str, id: String) -> Option<Self> {
        match kind {
            "person" => Some(Self::Person(id)),
            "agent" => Some(Self::Agent(id)),
            "client" => Some(Self::Client(id)),
            _ => None,
        }
    }
}

/// Who agreed, how and when, and how the person was authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub basis: ApprovalBasis,
    pub at: Timestamp,
    /// Of the person; absent where no person was asked.
    pub authentication: Option<PersonAuthentication>,
    /// `txn` of a resource server's challenge, if it was that which was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// In which role people decided; absent where none was asked, and in rows of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DecidedBy>,
    /// How many of them.
    #[serde(default)]
    pub people: u32,
    /// Digest of the designation by which they decided; in no token. Absent where the subject consented or nobody was asked,
    /// and in rows of before it was kept: those are compared by role and number alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub designation: Option<String>,
}

/// How a person was authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAuthentication {
    pub at: Timestamp,
    pub acr: String,
    pub amr: Vec<String>,
}

/// How strongly a person was authenticated, as tokens say it.
pub use writ_authority::{ACR_VALUES, level_of};

impl PersonAuthentication {
    /// RFC 8176: a password; a key on the person's device and the device's check that it is them; and a live face.
    pub fn of(level: Level, at: Timestamp) -> Self {
        let (acr, amr): (_, &[&str]) = match level {
            Level::None | Level::Password => ("urn:writ:acr:password", &["pwd"]),
            Level::Passkey => ("urn:writ:acr:passkey", &["pop", "user", "mfa"]),
            Level::Liveness => ("urn:writ:acr:liveness", &["pop", "user", "mfa", "face"]),
        };
        Self {
            at,
            acr: acr.to_owned(),
            amr: amr.iter().map(|method| (*method).to_owned()).collect(),
        }
    }

    /// The same by a code that is good once, instead of a password (RFC 8176 section 2).
    pub fn by_code(self) -> Self {
        let amr = vec!["otp".to_owned()];
        Self { amr, ..self }
    }
}

impl Approval {
    pub fn claim(&self) -> ApprovalClaim {
        ApprovalClaim {
            id: self.id.to_string(),
            basis: self.basis,
            at: self.at.seconds(),
            by: self.by,
            people: self.by.map(|_| self.people),
        }
    }
}
