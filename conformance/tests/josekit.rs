//! josekit (on OpenSSL) as the oracle of `writ-jose` (on aws-lc-rs): what one signs the other verifies, what was touched
//! neither takes (RFC 7515, 7517, 7518, 8037, 8725), thumbprints (RFC 7638) and a proof (RFC 9449) made from outside.
//! Every run makes new keys, so the vectors are never our own.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jwk::alg::ed::EdCurve;
use josekit::jws::{ES256, EdDSA, HS256, JwsHeader, JwsSigner, PS256, RS256};
use josekit::jwt::{self, JwtPayload};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use writ_jose::dpop::{Htu, NoncePolicy, ProofContext, TokenHash, UnverifiedProof};
use writ_jose::jws::{JwsError, UnverifiedJwt};
use writ_jose::key::{Algorithm, KeyError, PublicKey, SigningKey};
use writ_wire::time::Timestamp;

/// Making an RSA key takes a tenth of a second.
const RSA_KEYS: usize = 3;
const OTHER_KEYS: usize = 40;

/// A key that josekit made.
struct Party {
    algorithm: Algorithm,
    private: Jwk,
    signer: Box<dyn JwsSigner>,
}

impl Party {
    fn es256() -> Self {
        let private = Jwk::generate_ec_key(EcCurve::P256).unwrap();
        let signer = Box::new(ES256.signer_from_jwk(&private).unwrap());
        Self {
            algorithm: Algorithm::Es256,
            private,
            signer,
        }
    }

    fn eddsa() -> Self {
        let private = Jwk::generate_ed_key(EdCurve::Ed25519).unwrap();
        let signer = Box::new(EdDSA.signer_from_jwk(&private).unwrap());
        Self {
            algorithm: Algorithm::EdDsa,
            private,
            signer,
        }
    }

    fn ps256() -> Self {
        let private = Jwk::generate_rsa_key(2048).unwrap();
        let signer = Box::new(PS256.signer_from_jwk(&private).unwrap());
        Self {
            algorithm: Algorithm::Ps256,
            private,
            signer,
        }
    }

    fn each() -> [Self; 3] {
        [Self::es256(), Self::eddsa(), Self::ps256()]
    }

    fn public(&self) -> Jwk {
        self.private.to_public_key().unwrap()
    }

    fn key(&self) -> PublicKey {
        PublicKey::from_jwk(&ours(&self.public())).unwrap()
    }

    fn sign(&self, claims: &Map<String, Value>) -> String {
        signed(self.signer.as_ref(), claims)
    }
}

fn signed(signer: &dyn JwsSigner, claims: &Map<String, Value>) -> String {
    let mut header = JwsHeader::new();
    header.set_token_type("at+jwt");
    let payload = JwtPayload::from_map(claims.clone()).unwrap();
    jwt::encode_with_signer(&payload, &header, signer).unwrap()
}

fn ours(jwk: &Jwk) -> writ_wire::jwk::Jwk {
    serde_json::from_str(&jwk.to_string()).unwrap()
}

fn theirs(jwk: &writ_wire::jwk::Jwk) -> Jwk {
    Jwk::from_bytes(serde_json::to_vec(jwk).unwrap()).unwrap()
}

fn claim_sets() -> Vec<Map<String, Value>> {
    let sets = [
        json!({}),
        json!({ "iss": "https://as.example", "sub": "usr_alice", "aud": "https://bank.example", "exp": 1_790_000_300 }),
        json!({ "act": { "sub": "agt_booker", "act": { "sub": "agt_planner" } }, "scope": "" }),
        json!({ "purpose": "Pay \u{20ac} 412.00 to \"KLM\" \\ \u{1f6eb}\u{202e}", "n": [1, -1, 0.5, null, true] }),
        json!({ "filler": "x".repeat(8 * 1024) }),
    ];
    sets.into_iter()
        .map(|set| set.as_object().unwrap().clone())
        .collect()
}

/// Every JWT that differs from this one in one character.
fn touched(token: &str) -> impl Iterator<Item = String> {
    token.char_indices().map(|(at, found)| {
        let other = if found == 'A' { "B" } else { "A" };
        let mut copy = token.to_owned();
        copy.replace_range(at..=at, other);
        copy
    })
}

fn verify(token: &str, key: &PublicKey) -> Result<Map<String, Value>, JwsError> {
    UnverifiedJwt::parse(token)?.verify(key)
}

#[test]
fn rfc_7515_what_josekit_signs_we_verify() {
    let mut parties: Vec<Party> = (0..RSA_KEYS).map(|_| Party::ps256()).collect();
    for _ in 0..OTHER_KEYS {
        parties.extend([Party::es256(), Party::eddsa()]);
    }
    for party in parties {
        let key = party.key();
        assert_eq!(key.algorithm(), party.algorithm);
        for claims in claim_sets() {
            let token = party.sign(&claims);
            let unverified = UnverifiedJwt::parse(&token).unwrap();
            assert_eq!(unverified.header().alg, party.algorithm);
            assert!(unverified.typ_is("at+jwt"));
            let read: Map<String, Value> = unverified.verify(&key).unwrap();
            assert_eq!(read, claims, "{:?}", party.algorithm);
        }
    }
}

#[test]
fn rfc_7515_what_we_sign_josekit_verifies() {
    for _ in 0..OTHER_KEYS {
        let key = SigningKey::generate().unwrap();
        let verifier = ES256.verifier_from_jwk(&theirs(&key.public_jwk())).unwrap();
        for claims in claim_sets() {
            let token = key.sign_jwt("at+jwt", &claims).unwrap();
            let (payload, header) = jwt::decode_with_verifier(&token, &verifier).unwrap();
            assert_eq!(*payload.claims_set(), claims);
            assert_eq!(header.token_type(), Some("at+jwt"));
            assert_eq!(header.algorithm(), Some("ES256"));
            assert_eq!(header.key_id(), Some(key.kid()));
        }
    }
}

#[test]
fn a_signing_key_read_back_from_pkcs8_signs_for_the_same_public_key() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::from_pkcs8(&key.to_pkcs8()).unwrap();
    let verifier = ES256.verifier_from_jwk(&theirs(&key.public_jwk())).unwrap();
    let token = again
        .sign_jwt("at+jwt", &json!({ "sub": "usr_alice" }))
        .unwrap();
    assert!(jwt::decode_with_verifier(&token, &verifier).is_ok());
    // And what OpenSSL reads from the same bytes is the same key.
    let pair = ES256.key_pair_from_der(key.to_pkcs8().as_slice()).unwrap();
    assert_eq!(
        PublicKey::from_jwk(&ours(&pair.to_jwk_public_key())).unwrap(),
        *key.public()
    );
}

#[test]
fn rfc_7515_one_touched_character_is_refused_by_us() {
    let claims = claim_sets().swap_remove(1);
    for party in Party::each() {
        let key = party.key();
        let token = party.sign(&claims);
        assert_eq!(verify(&token, &key), Ok(claims.clone()));
        for copy in touched(&token) {
            assert!(verify(&copy, &key).is_err(), "{copy}\n{token}");
        }
    }
}

#[test]
fn rfc_7515_one_touched_character_of_ours_is_refused_by_josekit() {
    let key = SigningKey::generate().unwrap();
    let verifier = ES256.verifier_from_jwk(&theirs(&key.public_jwk())).unwrap();
    let token = key
        .sign_jwt("at+jwt", &json!({ "sub": "usr_alice" }))
        .unwrap();
    // The last character is left out: it carries spare bits, which only strict readers (we) refuse.
    for copy in touched(&token).take(token.len() - 1) {
        assert!(
            jwt::decode_with_verifier(&copy, &verifier).is_err(),
            "{copy}"
        );
    }
}

#[test]
fn a_signature_by_another_key_is_refused() {
    for (party, other) in Party::each().into_iter().zip(Party::each()) {
        let token = party.sign(&claim_sets().swap_remove(1));
        assert_eq!(verify(&token, &other.key()), Err(JwsError::Signature));
    }
}

#[test]
fn rfc_8725_3_1_the_algorithm_is_the_keys_and_never_the_headers() {
    let claims = claim_sets().swap_remove(1);
    let rsa = Party::ps256();
    let pkcs1 = signed(&RS256.signer_from_jwk(&rsa.private).unwrap(), &claims);
    assert_eq!(
        verify(&pkcs1, &rsa.key()),
        Err(JwsError::Algorithm("RS256".into()))
    );

    let public = rsa.public().to_string();
    let shared = signed(
        &HS256.signer_from_bytes(public.as_bytes()).unwrap(),
        &claims,
    );
    assert_eq!(
        verify(&shared, &rsa.key()),
        Err(JwsError::Algorithm("HS256".into()))
    );

    let payload = JwtPayload::from_map(claims.clone()).unwrap();
    let unsecured = jwt::encode_unsecured(&payload, &JwsHeader::new()).unwrap();
    assert_eq!(
        verify(&unsecured, &rsa.key()),
        Err(JwsError::Algorithm("none".into()))
    );

    for party in [Party::es256(), Party::eddsa()] {
        assert_eq!(
            verify(&party.sign(&claims), &rsa.key()),
            Err(JwsError::OtherAlgorithm { expected: "PS256" })
        );
    }
}

#[test]
fn a_private_or_symmetric_key_is_refused_where_a_public_one_is_due() {
    for party in Party::each() {
        let refused = PublicKey::from_jwk(&ours(&party.private)).unwrap_err();
        assert!(matches!(refused, KeyError::PrivateMember(_)), "{refused}");
    }
    let shared = Jwk::generate_oct_key(32).unwrap();
    assert!(PublicKey::from_jwk(&ours(&shared)).is_err());
    for curve in [EcCurve::P384, EcCurve::P521, EcCurve::Secp256k1] {
        let jwk = Jwk::generate_ec_key(curve)
            .unwrap()
            .to_public_key()
            .unwrap();
        assert!(PublicKey::from_jwk(&ours(&jwk)).is_err(), "{jwk}");
    }
}

/// RFC 7638 section 3: required members only, in lexicographic order, no space; hashed by RustCrypto.
fn thumbprint(jwk: &Jwk) -> String {
    let text = |name: &str| jwk.parameter(name).unwrap().as_str().unwrap();
    let canonical = match jwk.key_type() {
        "EC" => format!(
            r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
            text("crv"),
            text("x"),
            text("y")
        ),
        "OKP" => format!(
            r#"{{"crv":"{}","kty":"OKP","x":"{}"}}"#,
            text("crv"),
            text("x")
        ),
        "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e"), text("n")),
        other => panic!("{other}"),
    };
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

#[test]
fn rfc_7638_thumbprints_of_josekits_keys() {
    for party in (0..OTHER_KEYS)
        .flat_map(|_| [Party::es256(), Party::eddsa()])
        .chain([Party::ps256()])
    {
        let mut public = party.public();
        assert_eq!(party.key().thumbprint().as_str(), thumbprint(&public));
        // Members that do not belong to the key change nothing.
        public.set_key_id("some name");
        public.set_key_use("sig");
        let named = PublicKey::from_jwk(&ours(&public)).unwrap();
        assert_eq!(named.thumbprint(), party.key().thumbprint());
        assert_eq!(named.kid(), Some("some name"));
    }
    let key = SigningKey::generate().unwrap();
    assert_eq!(key.kid(), thumbprint(&theirs(&key.public_jwk())));
}

#[test]
fn rfc_9449_4_2_a_proof_made_by_josekit() {
    let now = Timestamp::from_seconds(1_790_000_000);
    let url = Htu::parse("https://as.example/token").unwrap();
    let context = ProofContext {
        method: "POST",
        url: &url,
        now,
        nonce: NoncePolicy::NotUsed,
        token: TokenHash::None,
    };
    for (number, party) in Party::each().into_iter().enumerate() {
        let proof = |issued_at: Timestamp| {
            let claims = json!({ "jti": format!("proof-{number}"), "htm": "POST",
                "htu": "https://as.example/token", "iat": issued_at.seconds() });
            let mut header = JwsHeader::new();
            header.set_token_type("dpop+jwt");
            header.set_jwk(party.public());
            let payload = JwtPayload::from_map(claims.as_object().unwrap().clone()).unwrap();
            jwt::encode_with_signer(&payload, &header, party.signer.as_ref()).unwrap()
        };
        let fresh = proof(now);
        let taken = UnverifiedProof::parse(&fresh)
            .unwrap()
            .verify(&context)
            .unwrap();
        assert_eq!(taken.thumbprint.as_str(), thumbprint(&party.public()));
        assert_eq!(taken.jti, format!("proof-{number}"));

        let old = proof(now.minus(Duration::from_secs(3600)));
        assert!(
            UnverifiedProof::parse(&old)
                .unwrap()
                .verify(&context)
                .is_err()
        );
        for copy in touched(&fresh) {
            let refused = UnverifiedProof::parse(&copy).and_then(|proof| proof.verify(&context));
            assert!(refused.is_err(), "{copy}");
        }
    }
}
