//! The server's RSA key of ID tokens: RS256 (RFC 7518 section 3.3), the default of OpenID Connect.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use serde::Serialize;
use serde_json::Map;
use writ_wire::jwk::Jwk;
use zeroize::Zeroizing;

use super::signing::compact;
use super::{Algorithm, KeyError, PublicKey, RsaSignatures};
use crate::encoding::encode;

/// A 2048-bit RSA key pair, named by its thumbprint.
pub struct RsaSigningKey {
    pair: RsaKeyPair,
    public: PublicKey,
}

impl RsaSigningKey {
    /// Takes a good part of a second of CPU: never on a thread that answers requests.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048);
        Self::from_pair(pair.map_err(|_| KeyError::Library)?)
    }

    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8);
        Self::from_pair(pair.map_err(|_| KeyError::Unreadable)?)
    }

    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| KeyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The thumbprint of the public key (RFC 7638).
    pub fn kid(&self) -> &str {
        self.public.thumbprint().as_str()
    }

    /// As published at `/jwks`.
    pub fn public_jwk(&self) -> Jwk {
        Jwk {
            kid: Some(self.kid().to_owned()),
            alg: Some(Algorithm::Rs256.as_str().to_owned()),
            public_key_use: Some("sig".to_owned()),
            ..self.public.to_jwk()
        }
    }

    /// A compact JWS of the claims, with `alg`, `typ` and `kid` in its header.
    pub fn sign_jwt<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, KeyError> {
        compact(Algorithm::Rs256, self.kid(), typ, claims, |message| {
            let mut signature = vec![0; self.pair.public_modulus_len()];
            let random = SystemRandom::new();
            let signed = self
                .pair
                .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
            signed.map_err(|_| KeyError::Library)?;
            Ok(signature)
        })
    }

    fn from_pair(pair: RsaKeyPair) -> Result<Self, KeyError> {
        let public = pair.public_key().as_ref();
        let modulus = public.strip_prefix(&DER_BEFORE_MODULUS);
        let modulus = modulus.and_then(|rest| rest.strip_suffix(&DER_EXPONENT));
        let modulus = modulus.ok_or(KeyError::Unreadable)?;
        let jwk = Jwk {
            kty: "RSA".to_owned(),
            kid: None,
            alg: Some(Algorithm::Rs256.as_str().to_owned()),
            public_key_use: None,
            crv: None,
            x: None,
            y: None,
            n: Some(encode(modulus)),
            e: Some("AQAB".to_owned()),
            other: Map::new(),
        };
        let public = PublicKey::from_jwk_with(&jwk, RsaSignatures::PssAndPkcs1)?;
        Ok(Self { pair, public })
    }
}

impl fmt::Debug for RsaSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaSigningKey")
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

/// RFC 8017 appendix A.1.1: the sequence of a 2048-bit modulus and the exponent 65537.
const DER_BEFORE_MODULUS: [u8; 9] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
const DER_EXPONENT: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jws::UnverifiedJwt;

    #[test]
    fn rfc_7518_3_3_what_it_signs_verifies_by_its_published_key_after_it_was_stored() {
        let key = RsaSigningKey::generate().unwrap();
        let key = RsaSigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        let text = key.sign_jwt("JWT", &json!({ "sub": "usr_a" })).unwrap();
        let jwk = key.public_jwk();
        assert_eq!(
            (jwk.alg.as_deref(), jwk.kid.as_deref()),
            (Some("RS256"), Some(key.kid()))
        );
        let public = PublicKey::from_jwk_with(&jwk, RsaSignatures::PssAndPkcs1).unwrap();
        let jws = UnverifiedJwt::parse_client_assertion(&text).unwrap();
        assert_eq!(jws.header().alg, Algorithm::Rs256);
        let claims: serde_json::Value = jws.verify(&public).unwrap();
        assert_eq!(claims, json!({ "sub": "usr_a" }));
        assert!(
            UnverifiedJwt::parse(&text).is_err(),
            "never as an access token"
        );
        assert!(!format!("{key:?}").contains("pair"));
    }
}
