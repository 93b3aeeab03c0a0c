//! A public key, checked when made (RFC 7517 section 4, 7518 section 6, 8037 section 2, FAPI 2.0 section 5.4).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use serde_json::{Map, Value};
use writ_wire::jwk::Jwk;

use super::{Algorithm, KeyError, Thumbprint};
use crate::encoding::{decode, decode_exactly, encode, quoted};
use crate::hash::sha256_of;

/// A verified public key. Cloning is cheap.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    algorithm: Algorithm,
    /// Parsed once: the point is checked here, and a registered key is not parsed again.
    parsed: ParsedPublicKey,
    /// The same RSA key for RS256, where it may be used so too.
    pkcs1: Option<ParsedPublicKey>,
    thumbprint: Thumbprint,
    kid: Option<String>,
    members: Members,
}

/// The canonical members of RFC 7638 section 3.2.
enum Members {
    Ec { x: [u8; 32], y: [u8; 32] },
    Okp { x: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// How an RSA key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RsaSignatures {
    /// PS256 (FAPI 2.0 section 5.4).
    Pss,
    /// PS256 and RS256, by the key's `alg` if it has one.
    PssAndPkcs1,
}

impl PublicKey {
    /// Refuses private and symmetric keys, weak and unknown ones, and those for another use or algorithm.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        Self::from_jwk_with(jwk, RsaSignatures::Pss)
    }

    /// The same, for keys that may sign client assertions.
    pub fn from_jwk_with(jwk: &Jwk, signatures: RsaSignatures) -> Result<Self, KeyError> {
        refuse_private(jwk)?;
        let inner = match jwk.kty.as_str() {
            "EC" => ec(jwk)?,
            "OKP" => okp(jwk)?,
            "RSA" => rsa(jwk, signatures)?,
            other => return Err(KeyError::KeyType(quoted(other))),
        };
        refuse_other_algorithm(jwk, inner.algorithm)?;
        refuse_other_use(jwk)?;
        Ok(Self(Arc::new(inner)))
    }

    /// Its algorithm; an RSA key may have RS256 beside it: see [`Self::takes`].
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    pub fn takes(&self, algorithm: Algorithm) -> bool {
        algorithm == self.0.algorithm || self.pkcs1_for(algorithm).is_some()
    }

    fn pkcs1_for(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        let pkcs1 = self.0.pkcs1.as_ref();
        pkcs1.filter(|_| algorithm == Algorithm::Rs256)
    }

    pub fn thumbprint(&self) -> &Thumbprint {
        &self.0.thumbprint
    }

    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// The members of RFC 7638 section 3.2 only.
    pub fn to_jwk(&self) -> Jwk {
        let mut jwk = Jwk {
            kty: String::new(),
            kid: None,
            alg: None,
            public_key_use: None,
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
            other: Map::new(),
        };
        match &self.0.members {
            Members::Ec { x, y } => {
                "EC".clone_into(&mut jwk.kty);
                jwk.crv = Some(P256.to_owned());
                jwk.x = Some(encode(x));
                jwk.y = Some(encode(y));
            }
            Members::Okp { x } => {
                "OKP".clone_into(&mut jwk.kty);
                jwk.crv = Some(ED25519_CURVE.to_owned());
                jwk.x = Some(encode(x));
            }
            Members::Rsa { n, e } => {
                "RSA".clone_into(&mut jwk.kty);
                jwk.n = Some(encode(n));
                jwk.e = Some(encode(e));
            }
        }
        jwk
    }

    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.parsed.verify_sig(message, signature).is_ok()
    }

    /// Never true for an algorithm that the key does not take.
    pub fn verify_as(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let pkcs1 = self.pkcs1_for(algorithm);
        let own = Some(&self.0.parsed).filter(|_| algorithm == self.0.algorithm);
        let key = own.or(pkcs1);
        key.is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }

    /// From an uncompressed point; the `kid` is the thumbprint.
    pub(super) fn from_p256_point(point: &[u8]) -> Result<Self, KeyError> {
        let (_, coordinates) = point.split_first().ok_or(KeyError::Point)?;
        let (x, y) = coordinates.split_at_checked(32).ok_or(KeyError::Point)?;
        let x = x.try_into().map_err(|_| KeyError::Point)?;
        let y = y.try_into().map_err(|_| KeyError::Point)?;
        let mut inner = p256(x, y, &encode(x), &encode(y))?;
        inner.kid = Some(inner.thumbprint.as_str().to_owned());
        Ok(Self(Arc::new(inner)))
    }
}

impl PartialEq for PublicKey {
    /// Compares the key material; `kid` does not count.
    fn eq(&self, other: &Self) -> bool {
        self.0.thumbprint == other.0.thumbprint
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("algorithm", &self.0.algorithm)
            .field("thumbprint", &self.0.thumbprint)
            .finish_non_exhaustive()
    }
}

fn refuse_private(jwk: &Jwk) -> Result<(), KeyError> {
    if jwk.kty == "oct" {
        return Err(KeyError::Symmetric);
    }
    let found = PRIVATE_MEMBERS
        .into_iter()
        .find(|name| jwk.other.contains_key(*name));
    found.map_or(Ok(()), |name| Err(KeyError::PrivateMember(name)))
}

fn refuse_other_algorithm(jwk: &Jwk, algorithm: Algorithm) -> Result<(), KeyError> {
    match &jwk.alg {
        Some(found) if Algorithm::parse_of_client_assertion(found) != Some(algorithm) => {
            Err(KeyError::Algorithm {
                found: quoted(found),
                expected: algorithm.as_str(),
            })
        }
        _ => Ok(()),
    }
}

fn refuse_other_use(jwk: &Jwk) -> Result<(), KeyError> {
    let other_use = jwk.public_key_use.as_deref().is_some_and(|u| u != "sig");
    let verifies = |ops: &Value| ops.as_array().is_some_and(|l| l.contains(&"verify".into()));
    if other_use || jwk.other.get("key_ops").is_some_and(|ops| !verifies(ops)) {
        return Err(KeyError::Use);
    }
    Ok(())
}

fn ec(jwk: &Jwk) -> Result<Inner, KeyError> {
    require_curve(jwk, P256)?;
    let (x_text, y_text) = (
        required(jwk.x.as_deref(), "x")?,
        required(jwk.y.as_deref(), "y")?,
    );
    let x = decode_exactly(x_text).ok_or(KeyError::Encoding("x"))?;
    let y = decode_exactly(y_text).ok_or(KeyError::Encoding("y"))?;
    let inner = p256(x, y, x_text, y_text)?;
    Ok(with_kid(inner, jwk))
}

fn p256(x: [u8; 32], y: [u8; 32], x_text: &str, y_text: &str) -> Result<Inner, KeyError> {
    let mut point = [UNCOMPRESSED; 65];
    for (to, from) in point.iter_mut().skip(1).zip(x.iter().chain(&y)) {
        *to = *from;
    }
    let parsed =
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::Point)?;
    let canonical = [
        r#"{"crv":"P-256","kty":"EC","x":""#,
        x_text,
        r#"","y":""#,
        y_text,
        r#""}"#,
    ];
    Ok(Inner {
        algorithm: Algorithm::Es256,
        parsed,
        pkcs1: None,
        thumbprint: Thumbprint::of_digest(sha256_of(&canonical)),
        kid: None,
        members: Members::Ec { x, y },
    })
}

fn okp(jwk: &Jwk) -> Result<Inner, KeyError> {
    require_curve(jwk, ED25519_CURVE)?;
    let x_text = required(jwk.x.as_deref(), "x")?;
    let x = decode_exactly::<32>(x_text).ok_or(KeyError::Encoding("x"))?;
    if has_small_order(x) {
        return Err(KeyError::Point);
    }
    let parsed = ParsedPublicKey::new(&ED25519, x).map_err(|_| KeyError::Point)?;
    let canonical = [r#"{"crv":"Ed25519","kty":"OKP","x":""#, x_text, r#""}"#];
    let inner = Inner {
        algorithm: Algorithm::EdDsa,
        parsed,
        pkcs1: None,
        thumbprint: Thumbprint::of_digest(sha256_of(&canonical)),
        kid: None,
        members: Members::Okp { x },
    };
    Ok(with_kid(inner, jwk))
}

fn rsa(jwk: &Jwk, signatures: RsaSignatures) -> Result<Inner, KeyError> {
    let (n_text, e_text) = (
        required(jwk.n.as_deref(), "n")?,
        required(jwk.e.as_deref(), "e")?,
    );
    if n_text.len() > MAX_RSA_TEXT {
        return Err(KeyError::RsaSize(n_text.len().saturating_mul(6)));
    }
    let n = decode(n_text).ok_or(KeyError::Encoding("n"))?;
    let e = decode(e_text).ok_or(KeyError::Encoding("e"))?;
    let bits = bit_length(&n).ok_or(KeyError::Encoding("n"))?;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyError::RsaSize(bits));
    }
    // An exponent of 1 would make every message its own signature.
    let exponent_bits = bit_length(&e).ok_or(KeyError::Encoding("e"))?;
    let odd = e.last().is_some_and(|byte| byte & 1 == 1);
    if !(2..=MAX_EXPONENT_BITS).contains(&exponent_bits) || !odd {
        return Err(KeyError::RsaExponent);
    }
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    let unusable = |_| KeyError::Encoding("n");
    let pss = components.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256);
    let pkcs1 = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
    let (pss, pkcs1) = (pss.map_err(unusable)?, pkcs1.map_err(unusable)?);
    // A key that names its algorithm has that one alone (RFC 7517 section 4.4).
    let (algorithm, parsed, pkcs1) = match (signatures, jwk.alg.as_deref()) {
        (RsaSignatures::PssAndPkcs1, None) => (Algorithm::Ps256, pss, Some(pkcs1)),
        (RsaSignatures::PssAndPkcs1, Some("RS256")) => (Algorithm::Rs256, pkcs1, None),
        _ => (Algorithm::Ps256, pss, None),
    };
    let canonical = [
        r#"{"e":""#,
        e_text,
        r#"","kty":"RSA","n":""#,
        n_text,
        r#""}"#,
    ];
    let inner = Inner {
        algorithm,
        parsed,
        pkcs1,
        thumbprint: Thumbprint::of_digest(sha256_of(&canonical)),
        kid: None,
        members: Members::Rsa { n, e },
    };
    Ok(with_kid(inner, jwk))
}

fn with_kid(inner: Inner, jwk: &Jwk) -> Inner {
    Inner {
        kid: jwk.kid.clone(),
        ..inner
    }
}

fn require_curve(jwk: &Jwk, expected: &str) -> Result<(), KeyError> {
    match required(jwk.crv.as_deref(), "crv")? {
        found if found == expected => Ok(()),
        found => Err(KeyError::Curve(quoted(found))),
    }
}

fn required<'a>(member: Option<&'a str>, name: &'static str) -> Result<&'a str, KeyError> {
    member.ok_or(KeyError::Missing(name))
}

/// `None` for an empty number and one with leading zeros: RFC 7518 section 2 requires the shortest form.
fn bit_length(number: &[u8]) -> Option<usize> {
    match number.first() {
        None | Some(0) => None,
        Some(first) => Some(number.len() * 8 - first.leading_zeros() as usize),
    }
}

/// Whether a key is of small order, under which one signature is valid for many messages; or not canonically encoded, so that one
/// point would have two thumbprints.
fn has_small_order(mut x: [u8; 32]) -> bool {
    if let Some(last) = x.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&x) || is_above_prime(&x)
}

/// At least 2^255 - 19, little-endian.
fn is_above_prime(y: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = y;
    *first >= 0xed && *last == 0x7f && middle.iter().all(|byte| *byte == 0xff)
}

const P256: &str = "P-256";
const ED25519_CURVE: &str = "Ed25519";
const UNCOMPRESSED: u8 = 4;
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 4096;
const MAX_RSA_TEXT: usize = 1024;
const MAX_EXPONENT_BITS: usize = 32;

/// The y coordinates of the eight points whose order divides 8: 0, 1, -1 and those of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];
