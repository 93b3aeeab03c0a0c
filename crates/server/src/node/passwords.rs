//! Password hashing: argon2id, one at a time, in memory that one hash hands to the next, so that logins starve neither the token endpoint
//! of CPU time nor the machine of memory. Who waits, and in which order, is in `queue.rs`.

mod argon;
mod queue;

use std::net::IpAddr;
use std::sync::Arc;

use writ_core::password::normalized;
use writ_jose::hash::sha256;

use crate::node::metrics::HashingMetrics;

use argon::{HashingMemory, decoy_hash, matches};
use queue::{HashingQueue, Place, ReservedTurn};

/// Hashes at once, on a machine of whatever size: some dozens a second, in 19 MiB.
const AT_ONCE: usize = 1;

/// Who waits for a hash. Earlier ones are served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFor {
    /// This person, who is signed in.
    SignedIn(HashHolder),
    /// This client, which is authenticated.
    Client(HashHolder),
    /// A browser in which this person signed in before.
    KnownBrowser(HashHolder),
    /// Anybody, from this network.
    Stranger(Option<IpAddr>),
}

/// Whose part of the room it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashHolder([u8; 32]);

impl HashHolder {
    /// By the id.
    pub fn of(id: &str) -> Self {
        Self(sha256(id.as_bytes()))
    }
}

/// Checks passwords, in order.
#[derive(Clone)]
pub struct Passwords {
    queue: Arc<HashingQueue>,
    /// A hash that no password has, so that unknown names take as long as known ones.
    decoy: Arc<str>,
}

/// Room in which one password is compared. Whoever is counted asks for it before, so that who is sent away leaves no row.
pub struct HashingRoom {
    turn: ReservedTurn,
    decoy: Arc<str>,
}

/// Too many wait: try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPoolFull;

/// Why there is no hash of a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordNotHashed {
    PoolFull,
    Failed(String),
}

impl Passwords {
    pub fn start(metrics: HashingMetrics) -> Self {
        Self {
            queue: Arc::new(HashingQueue::new(AT_ONCE, metrics)),
            decoy: decoy_hash().into(),
        }
    }

    /// Given back when it is dropped.
    pub fn room(&self, by: HashFor) -> Result<HashingRoom, PasswordPoolFull> {
        Ok(HashingRoom {
            turn: self.queue.reserve(by)?,
            decoy: self.decoy.clone(),
        })
    }

    /// A PHC string, of [`hash`], made in the same pool.
    pub async fn hash(
        &self,
        password: String,
        salt: [u8; 16],
        by: HashFor,
    ) -> Result<String, PasswordNotHashed> {
        let full = |_| PasswordNotHashed::PoolFull;
        let turn = self.queue.reserve(by).map_err(full)?;
        let mut slot = turn.come().await.map_err(full)?;
        let made =
            tokio::task::spawn_blocking(move || argon::hash(&password, &salt, slot.memory()));
        let made = made.await.unwrap_or_else(|e| Err(e.to_string()));
        made.map_err(PasswordNotHashed::Failed)
    }

    /// How many wait now.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.queue.waiting()
    }
}

impl HashingRoom {
    /// Whether `password` has this hash. `None` stands for an unknown name: always false, and as slow as a known one.
    pub async fn verify(
        self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordPoolFull> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let mut slot = self.turn.come().await?;
        let compared = tokio::task::spawn_blocking(move || {
            matches(&normalized(&password), &hash, slot.memory())
        });
        let matches = compared.await.map_err(|_| PasswordPoolFull)?;
        Ok(matches && known)
    }
}

/// A PHC string, of a password or of a person's own code, in memory of its own: a command hashes once.
pub fn hash(password: &str, salt: &[u8; 16]) -> Result<String, String> {
    argon::hash(password, salt, &mut HashingMemory::new())
}

impl HashFor {
    /// Where it waits.
    const fn place(self) -> Place {
        match self {
            Self::SignedIn(_) | Self::Client(_) => Place::First,
            Self::KnownBrowser(_) => Place::Second,
            Self::Stranger(_) => Place::Last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn argon2id_verifies_and_an_unknown_name_never_matches() {
        let stored = hash("correct horse", &[7; 16]).unwrap();
        let passwords = Passwords::start(HashingMetrics::default());
        for by in [
            HashFor::SignedIn(HashHolder::of("alice")),
            HashFor::Client(HashHolder::of("client")),
            HashFor::KnownBrowser(HashHolder::of("alice")),
            HashFor::Stranger(None),
        ] {
            let verify = |password: &str, hash| {
                let room = passwords.room(by).unwrap();
                room.verify(password.to_owned(), hash)
            };
            assert_eq!(
                verify("correct horse", Some(stored.clone())).await,
                Ok(true)
            );
            assert_eq!(verify("wrong horse", Some(stored.clone())).await, Ok(false));
            assert_eq!(verify("", None).await, Ok(false));
        }
        assert_eq!(passwords.waiting(), 0);
    }

    #[tokio::test]
    async fn nist_63b_3_1_1_2_a_password_is_the_same_from_every_keyboard() {
        let passwords = Passwords::start(HashingMetrics::default());
        let composed = "caf\u{e9} au lait, s'il vous pla\u{ee}t";
        let decomposed = "cafe\u{301} au lait, s'il vous plai\u{302}t";
        assert_ne!(composed, decomposed);
        let by = HashFor::SignedIn(HashHolder::of("alice"));
        let stored = passwords
            .hash(decomposed.to_owned(), [7; 16], by)
            .await
            .unwrap();
        for typed in [composed, decomposed] {
            let room = passwords.room(by).unwrap();
            let verified = room.verify(typed.to_owned(), Some(stored.clone()));
            assert_eq!(verified.await, Ok(true), "{typed}");
        }
    }
}
