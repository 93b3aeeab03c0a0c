//! Every parser of what strangers send against random input, near to what it expects and far from it. `conformance/fuzz` runs the same
//! functions for as long as one likes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

mod each;

const CASES: u32 = 256;

/// What each parser nearly takes.
const SEEDS: [&str; 12] = [
    "grant_type=authorization_code&code=x&code_verifier=y&resource=https%3A%2F%2Fa.example",
    r#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"a","y":"b"}}"#,
    r#"{"iss":"c","sub":"c","aud":"https://as.example","jti":"j","iat":1,"exp":2,"htm":"POST","htu":"https://a.example"}"#,
    r#"[{"type":"payment","locations":["https://a.example"],"instructed_amount":{"amount":"1.00","currency":"EUR"}}]"#,
    r#"{"type":"payment","title":{"en":"Pay"},"sentence":{"en":"Pay {/amount}"},"schema":{"type":"object"},"rules":{}}"#,
    r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#,
    r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"1"}]}"#,
    "https://user:secret@xn--bcher-kva.example:8443/a/../b?c=d#e",
    "http://[::1]:80/%2e%2e/",
    r#"{"client_id":"https://app.example/client","redirect_uris":["https://app.example/cb"],"jwks":{"keys":[]}}"#,
    r#"{"redirect_uris":["https://app.example/cb"],"contacts":["a@b.example"],"software_id":"x"}"#,
    r#"{"a":[1,-2.5e300,true,null,"\ud83d\ude00\u0000"],"a":{}}"#,
];

/// A seed with some bytes changed, cut or doubled; or any bytes.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let changed = (
        prop::sample::select(&SEEDS[..]),
        prop::collection::vec(change, 0..6),
    );
    let changed = changed.prop_map(|(seed, changes)| {
        let mut bytes = seed.as_bytes().to_vec();
        for (place, byte, way) in changes {
            let at = place.index(bytes.len().max(1));
            match way {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), byte),
                2 => bytes.extend_from_within(at.min(bytes.len())..),
                _ => bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|found| *found = byte),
            }
        }
        bytes
    });
    let text = ".{0,200}".prop_map(String::into_bytes);
    prop_oneof![4 => changed, 1 => text, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

/// The same as one part of a JWT.
fn jwt(parts: &[Vec<u8>]) -> Vec<u8> {
    let parts = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part));
    parts.collect::<Vec<_>>().join(".").into_bytes()
}

#[test]
fn no_input_breaks_a_parser() {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, random);
    let three = prop::collection::vec(input(), 3);
    let ran = runner.run(&three, |parts| {
        let whole = jwt(&parts);
        for (_, parse) in each::ALL {
            parts.iter().for_each(|part| parse(part));
            parse(&whole);
        }
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn every_seed_is_read_by_every_parser() {
    for seed in SEEDS {
        for (_, parse) in each::ALL {
            parse(seed.as_bytes());
        }
    }
}
