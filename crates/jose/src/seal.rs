//! Encryption at rest, and of challenges that come back: AES-256-GCM under keys derived from one master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use crate::encoding::decode;
use crate::hash::array;

/// 32 secret bytes, wiped when dropped.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Which derived key seals. A key takes 2^32 random nonces (NIST SP 800-38D section 8.3), so what visitors have made without limit
/// has one of its own: however many they ask for, what is stored is as safe as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedFor {
    /// Private keys, and what is stored of people and clients.
    Storage,
    /// Challenges of logins, which any visitor gets, and which are good for minutes.
    LoginChallenge,
    /// Cookies of browsers in which people signed in before.
    KnownBrowser,
    /// What a resource server was denied, which it brings back when it asks a person; good for minutes.
    DeniedEvaluation,
    /// Sign-ins at a provider, which any visitor begins; good for minutes.
    UpstreamLogin,
}

impl SealedFor {
    /// What [`MasterKey::derive`] makes the key from; never changed where something sealed is stored.
    const fn purpose(self) -> &'static str {
        match self {
            Self::Storage => "seal",
            Self::LoginChallenge => "seal login-challenge",
            Self::KnownBrowser => "seal known-browser",
            Self::DeniedEvaluation => "seal denied-evaluation",
            Self::UpstreamLogin => "seal upstream-login",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the master key is not 32 bytes in base64url without padding")]
    NotAKey,
    #[error("the master key is not random: make one with `openssl rand 32`")]
    Guessable,
    #[error("the sealed value was changed, or belongs to another key or place")]
    Broken,
    #[error("the cryptographic library failed")]
    Library,
}

impl MasterKey {
    pub fn from_base64url(text: &str) -> Result<Self, SealError> {
        let bytes = decode(text.trim()).map(Zeroizing::new);
        let bytes = bytes.ok_or(SealError::NotAKey)?;
        let array = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new);
        Self::checked(array.map_err(|_| SealError::NotAKey)?)
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, SealError> {
        Self::checked(Zeroizing::new(bytes))
    }

    /// A key for one purpose (HMAC-SHA-256): it reveals neither the master key nor the keys of other purposes.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let master = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let mut context = hmac::Context::with_key(&master);
        context.update(b"writ derived key\0");
        context.update(purpose.as_bytes());
        array(context.sign().as_ref())
    }

    /// Encrypts to a random 96-bit nonce, the ciphertext and the tag. `associated` is the associated data: where the value is stored,
    /// so that it cannot be moved to another row.
    pub fn seal(
        &self,
        sealed_for: SealedFor,
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::Library)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let key = self.sealing_key(sealed_for)?;
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let tag = key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated),
                body,
            )
            .map_err(|_| SealError::Library)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts what [`Self::seal`] returned, with the same `associated`.
    pub fn open(
        &self,
        sealed_for: SealedFor,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, body) = sealed
            .split_at_checked(NONCE_LEN)
            .ok_or(SealError::Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Broken)?;
        let mut body = Zeroizing::new(body.to_vec());
        let plain = self
            .sealing_key(sealed_for)?
            .open_in_place(nonce, Aad::from(associated), &mut body)
            .map_err(|_| SealError::Broken)?
            .len();
        body.truncate(plain);
        Ok(body)
    }

    fn checked(bytes: Zeroizing<[u8; 32]>) -> Result<Self, SealError> {
        if is_guessable(&bytes) {
            return Err(SealError::Guessable);
        }
        Ok(Self(bytes))
    }

    fn sealing_key(&self, sealed_for: SealedFor) -> Result<LessSafeKey, SealError> {
        let key = Zeroizing::new(self.derive(sealed_for.purpose()));
        UnboundKey::new(&AES_256_GCM, key.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| SealError::Library)
    }
}

/// Whether the bytes are zeros, a repeated pattern or an arithmetic sequence.
fn is_guessable(bytes: &[u8; 32]) -> bool {
    let distinct = (0..=u8::MAX).filter(|b| bytes.contains(b)).count();
    let steps = || {
        bytes
            .iter()
            .zip(bytes.iter().skip(1))
            .map(|(a, b)| b.wrapping_sub(*a))
    };
    let first = steps().next();
    distinct < MIN_DISTINCT_BYTES || steps().all(|step| Some(step) == first)
}

/// 32 random bytes have fewer with a probability below 2^-100.
const MIN_DISTINCT_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::SealedFor::{LoginChallenge, Storage};
    use super::*;
    use crate::encoding::encode;

    fn key(seed: u8) -> MasterKey {
        let mut bytes = crate::hash::sha256(&[seed]);
        bytes[0] ^= seed;
        MasterKey::from_bytes(bytes).ok().unwrap()
    }

    fn refusal(text: &str) -> SealError {
        MasterKey::from_base64url(text).err().unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealed = key(1).seal(Storage, b"keys/1", b"secret").unwrap();
        assert_eq!(
            key(1).open(Storage, b"keys/1", &sealed).unwrap().as_slice(),
            b"secret"
        );
        assert_eq!(
            key(1).open(Storage, b"keys/2", &sealed),
            Err(SealError::Broken)
        );
        assert_eq!(
            key(2).open(Storage, b"keys/1", &sealed),
            Err(SealError::Broken)
        );
        assert_eq!(key(1).open(Storage, b"keys/1", &[]), Err(SealError::Broken));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(
                key(1).open(Storage, b"keys/1", &changed),
                Err(SealError::Broken),
                "{place}"
            );
        }
        assert_eq!(sealed.len(), 12 + 6 + 16);
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_ne!(sealed, key(1).seal(Storage, b"keys/1", b"secret").unwrap());
    }

    #[test]
    fn what_is_sealed_for_one_purpose_opens_for_no_other() {
        for (sealed_for, other) in [(Storage, LoginChallenge), (LoginChallenge, Storage)] {
            let sealed = key(1).seal(sealed_for, b"place", b"secret").unwrap();
            assert!(key(1).open(sealed_for, b"place", &sealed).is_ok());
            let opened = key(1).open(other, b"place", &sealed);
            assert_eq!(opened, Err(SealError::Broken), "{sealed_for:?}");
        }
    }

    /// Sealed by Node's `crypto`: HMAC-SHA-256 of the master key for the derived key, then `aes-256-gcm`.
    #[test]
    fn what_was_stored_before_still_opens() {
        let master = MasterKey::from_bytes(crate::hash::sha256(b"before")).ok();
        let sealed = decode(STORED_BEFORE).unwrap();
        let opened = master.unwrap().open(Storage, b"keys/1", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"a private key");
    }

    const STORED_BEFORE: &str = "AAECAwQFBgcICQoLyh7TKeas6l_REHbkVxD_62uV2BaNWLU_YNEyzEk";

    #[test]
    fn a_guessable_master_key_is_refused() {
        let counting: Vec<u8> = (0..32).collect();
        let ascii = *b"changeme";
        for bytes in [
            vec![0; 32],
            vec![0xff; 32],
            counting,
            [1, 2].repeat(16),
            ascii.repeat(4),
        ] {
            assert_eq!(refusal(&encode(bytes)), SealError::Guessable);
        }
        for text in [
            "",
            "AQAB",
            &encode([9; 33]),
            &format!("{}=", encode([9; 32])),
        ] {
            assert_eq!(refusal(text), SealError::NotAKey);
        }
        let good = encode(crate::hash::sha256(b"good"));
        assert!(MasterKey::from_base64url(&format!("{good}\n")).is_ok());
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_master() {
        assert_eq!(key(1).derive("nonce"), key(1).derive("nonce"));
        assert_ne!(key(1).derive("nonce"), key(1).derive("cookie"));
        assert_ne!(key(1).derive("nonce"), key(2).derive("nonce"));
    }
}
