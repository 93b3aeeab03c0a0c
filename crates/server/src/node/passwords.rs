//! Password hashing: argon2id in a bounded pool, so that logins never starve the token endpoint of CPU time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// The OWASP minimum: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Logins that wait for a worker; one more is refused.
const MAX_WAITING: usize = 64;
/// The shortest password that is set, in characters (NIST SP 800-63B section 5.1.1.2). There are no rules of composition.
pub const MIN_PASSWORD: usize = 8;
/// The longest password, in bytes: hashing must stay bounded.
pub const MAX_PASSWORD: usize = 1024;

/// Checks passwords, at most one per core at a time.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash that no password has, so that unknown names take as long as known ones.
    decoy: Arc<str>,
}

/// The pool is full: try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPoolFull;

/// Why there is no hash of a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordNotHashed {
    PoolFull,
    Failed(String),
}

impl Passwords {
    pub fn start() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            running: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            decoy: decoy_hash().into(),
        }
    }

    /// Whether `password` has this hash. `None` stands for an unknown name: always false, and as slow as a known one.
    pub async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordPoolFull> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let _queued = self.waiting.try_acquire().map_err(|_| PasswordPoolFull)?;
        let _running = self.running.acquire().await.map_err(|_| PasswordPoolFull)?;
        let matches = tokio::task::spawn_blocking(move || matches(&password, &hash));
        Ok(matches.await.unwrap_or(false) && known)
    }

    /// A PHC string, of [`hash`], made in the same pool.
    pub async fn hash(
        &self,
        password: String,
        salt: [u8; 16],
    ) -> Result<String, PasswordNotHashed> {
        let full = |_| PasswordNotHashed::PoolFull;
        let _queued = self.waiting.try_acquire().map_err(full)?;
        let running = self.running.acquire().await;
        let _running = running.map_err(|_| PasswordNotHashed::PoolFull)?;
        let made = tokio::task::spawn_blocking(move || hash(&password, &salt));
        let made = made.await.unwrap_or_else(|e| Err(e.to_string()));
        made.map_err(PasswordNotHashed::Failed)
    }
}

/// Whether it may become somebody's password; otherwise a sentence.
pub fn check_new(password: &str) -> Result<(), String> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(format!(
            "the password has fewer than {MIN_PASSWORD} characters"
        ));
    }
    if password.len() > MAX_PASSWORD {
        return Err(format!("a password has at most {MAX_PASSWORD} bytes"));
    }
    Ok(())
}

/// A PHC string for a password that an operator sets.
pub fn hash_new(password: &str, salt: &[u8; 16]) -> Result<String, String> {
    check_new(password)?;
    hash(password, salt)
}

/// A PHC string, of a password or of a person's own code.
pub fn hash(password: &str, salt: &[u8; 16]) -> Result<String, String> {
    if password.len() > MAX_PASSWORD {
        return Err(format!("a password has at most {MAX_PASSWORD} bytes"));
    }
    let hasher = hasher().map_err(|e| e.to_string())?;
    hasher
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|e| e.to_string())
}

/// 16 bytes of salt and 32 of output, all zero: written down, because computing one would make each start slower.
fn decoy_hash() -> String {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${output}")
}

fn matches(password: &str, hash: &str) -> bool {
    let Ok(hasher) = hasher() else { return false };
    password.len() <= MAX_PASSWORD && hasher.verify_password(password.as_bytes(), hash).is_ok()
}

fn hasher() -> Result<Argon2<'static>, argon2::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_has_eight_characters_and_a_bounded_length() {
        for (password, good) in [
            ("", false),
            ("1234567", false),
            ("12345678", true),
            // Seven characters in fourteen bytes.
            ("\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}", false),
            ("        ", true),
        ] {
            assert_eq!(check_new(password).is_ok(), good, "{password:?}");
        }
        assert!(check_new(&"x".repeat(MAX_PASSWORD)).is_ok());
        assert!(check_new(&"x".repeat(MAX_PASSWORD + 1)).is_err());
        assert!(hash_new("1234567", &[7; 16]).is_err());
    }

    #[tokio::test]
    async fn argon2id_verifies_and_an_unknown_name_never_matches() {
        let stored = hash("correct horse", &[7; 16]).unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        let form = |hash: &str| hash.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(form(&decoy_hash()), form(&stored));
        assert!(decoy_hash().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let passwords = Passwords::start();
        assert_eq!(
            passwords
                .verify("correct horse".into(), Some(stored.clone()))
                .await,
            Ok(true)
        );
        assert_eq!(
            passwords.verify("wrong horse".into(), Some(stored)).await,
            Ok(false)
        );
        assert_eq!(passwords.verify(String::new(), None).await, Ok(false));
    }
}
