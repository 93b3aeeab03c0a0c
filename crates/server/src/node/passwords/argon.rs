//! argon2id over memory that goes from one hash to the next while somebody waits, and back to the system when nobody does.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use writ_core::password::{MAX_PASSWORD, normalized};
use writ_jose::hash::constant_time_eq;

/// The OWASP minimum: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// In bytes.
const OUTPUT: usize = 32;
/// Blocks of 1 KiB that the next hash takes over: those of our own. One of another server may cost more, while it is compared.
const KEPT_BLOCKS: usize = MEMORY_KIB as usize;
/// The least that is allocated, in blocks; what is not used of it takes no memory. glibc gives back to the system what is larger than
/// 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX` in mallopt(3)); smaller pieces it keeps, where they do not fit the next hash.
const LEAST_BLOCKS: usize = 33 * 1024;

/// What one hash at a time is computed in.
#[derive(Default)]
pub(super) struct HashingMemory(Vec<Block>);

impl HashingMemory {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    fn compute(&mut self, hasher: &Argon2<'_>, password: &str, salt: &[u8]) -> Option<Output> {
        let params = hasher.params();
        let needed = params.block_count();
        if self.0.len() < needed {
            // The smaller one goes first.
            self.0 = Vec::new();
            self.0 = Vec::with_capacity(needed.max(LEAST_BLOCKS));
            self.0.resize(needed, Block::new());
        }
        let length = params.output_len().unwrap_or(OUTPUT);
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length)?;
        let password = password.as_bytes();
        let computed =
            hasher.hash_password_into_with_memory(password, salt, output, self.0.as_mut_slice());
        if self.0.len() > KEPT_BLOCKS {
            self.0 = Vec::new();
        }
        computed.ok()?;
        Output::new(output).ok()
    }
}

/// A PHC string, of a password or of a person's own code.
pub(super) fn hash(
    password: &str,
    salt: &[u8; 16],
    memory: &mut HashingMemory,
) -> Result<String, String> {
    let password = normalized(password);
    if password.len() > MAX_PASSWORD {
        return Err(format!("a password has at most {MAX_PASSWORD} bytes"));
    }
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(OUTPUT)).map_err(|e| e.to_string())?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let output = memory.compute(&hasher, &password, salt);
    let made = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(hasher.params()).map_err(|e| e.to_string())?,
        salt: Some(Salt::new(salt).map_err(|e| e.to_string())?),
        hash: Some(output.ok_or("argon2id failed")?),
    };
    Ok(made.to_string())
}

/// Whether this normalized password has this hash, of whatever cost.
pub(super) fn matches(password: &str, hash: &str, memory: &mut HashingMemory) -> bool {
    password.len() <= MAX_PASSWORD && compared(password, hash, memory).unwrap_or(false)
}

/// `None` where the text is no hash of argon2.
fn compared(password: &str, hash: &str, memory: &mut HashingMemory) -> Option<bool> {
    let stored = PasswordHash::new(hash).ok()?;
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
    let version = Version::try_from(stored.version?).ok()?;
    let hasher = Argon2::new(algorithm, version, Params::try_from(&stored).ok()?);
    let output = memory.compute(&hasher, password, &stored.salt?)?;
    Some(constant_time_eq(output.as_bytes(), stored.hash?.as_bytes()))
}

/// 16 bytes of salt and 32 of output, all zero: written down, because computing one would make each start slower.
pub(super) fn decoy_hash() -> String {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${output}")
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    fn by_library(password: &str, memory: u32, passes: u32) -> String {
        let params = Params::new(memory, passes, 1, None).unwrap();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let made = hasher.hash_password_with_salt(password.as_bytes(), &[7; 16]);
        made.unwrap().to_string()
    }

    #[test]
    fn a_hash_is_that_of_the_library_in_kept_memory_too() {
        let mut memory = HashingMemory::new();
        for password in ["correct horse", "another one", ""] {
            let ours = hash(password, &[7; 16], &mut memory).unwrap();
            assert!(
                ours.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
                "{ours}"
            );
            assert_eq!(ours, by_library(password, MEMORY_KIB, PASSES));
            let hasher = Argon2::default();
            assert!(
                hasher
                    .verify_password(password.as_bytes(), ours.as_str())
                    .is_ok()
            );
            assert!(matches(password, &ours, &mut memory));
            assert!(!matches("wrong", &ours, &mut memory));
        }
        assert_eq!(memory.0.len(), KEPT_BLOCKS);
    }

    #[test]
    fn hashes_of_other_costs_are_compared_and_large_memory_is_given_back() {
        let mut memory = HashingMemory::new();
        for (cost, kept) in [
            (8, 8),
            (MEMORY_KIB, KEPT_BLOCKS),
            (MEMORY_KIB + 8, 0),
            (16, 16),
        ] {
            let theirs = by_library("correct horse", cost, 1);
            assert!(matches("correct horse", &theirs, &mut memory), "{cost}");
            assert_eq!(memory.0.len(), kept, "{cost}");
            assert!(!matches("wrong horse", &theirs, &mut memory), "{cost}");
        }
    }

    #[test]
    fn what_is_no_hash_matches_nothing() {
        let mut memory = HashingMemory::new();
        for text in [
            "",
            "x",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$scrypt$ln=16,r=8,p=1$AAAA$AAAA",
        ] {
            assert!(!matches("", text, &mut memory), "{text}");
        }
    }

    #[test]
    fn the_decoy_is_as_dear_as_a_real_one() {
        let stored = hash("correct horse", &[7; 16], &mut HashingMemory::new()).unwrap();
        let form = |hash: &str| hash.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(form(&decoy_hash()), form(&stored));
        assert!(decoy_hash().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
}
