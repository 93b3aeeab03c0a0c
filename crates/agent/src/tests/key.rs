//! Keys, against published vectors; and that no secret can be printed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use writ_platform::Random;

use super::{BANK, World, bound_grant, jwk, verified};
use crate::key::thumbprint;
use crate::{ActorCredential, ClientAuthentication, Delegated, Key, PrivateKeyError, Secret, jwt};

/// The private key of RFC 6979 appendix A.2.5, written as PKCS #8 by openssl.
const RFC_6979_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX
Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth
+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ
-----END PRIVATE KEY-----
";

#[test]
fn rfc_6979_a_2_5_public_key_and_signature() {
    let key = Key::from_pkcs8_pem(RFC_6979_KEY).unwrap();
    let public = jwk(&key);
    assert_eq!(public["x"], "YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y");
    assert_eq!(public["y"], "eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk");
    // R and S for SHA-256 and the message "sample".
    assert_eq!(
        URL_SAFE_NO_PAD.encode(key.sign(b"sample")),
        "79SLKqy2qP0RQN2c1F6B1p0sh3tWqvmRw00OqE6vNxb3yxyULWV8QdQ2x6G24p9l8-kA27mv9AZNxKsvhDrNqA"
    );
}

#[test]
fn rfc_9449_6_1_thumbprint_of_the_example_key() {
    // The key of the proofs in RFC 9449 section 4.2 and its `jkt` in section 6.1.
    assert_eq!(
        thumbprint(
            "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"
        ),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
}

#[test]
fn a_key_survives_pkcs8_as_openssl_writes_it() {
    let key = Key::from_pkcs8_pem(RFC_6979_KEY).unwrap();
    assert_eq!(key.to_pkcs8_pem().unwrap().expose(), RFC_6979_KEY);
    let fresh = Key::generate(&Random::seeded(1));
    let again = Key::from_pkcs8_der(&fresh.to_pkcs8_der().unwrap()).unwrap();
    assert_eq!(again.thumbprint(), fresh.thumbprint());
    assert_ne!(
        fresh.thumbprint(),
        Key::generate(&Random::System).thumbprint()
    );
    assert_eq!(
        Key::from_pkcs8_pem("-----BEGIN EC PRIVATE KEY-----").err(),
        Some(PrivateKeyError::NotPem)
    );
    assert_eq!(
        Key::from_pkcs8_der(b"0").err(),
        Some(PrivateKeyError::NotP256)
    );
}

#[test]
fn the_public_jwk_is_what_registration_takes() {
    let key = Key::generate(&Random::seeded(2));
    let public = jwk(&key);
    let members: Vec<_> = public
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(public["kid"], key.thumbprint());
    assert_eq!(jwk(&key.with_kid("old"))["kid"], "old");
}

#[test]
fn a_signature_is_verified_by_p256_and_a_change_breaks_it() {
    let key = Key::generate(&Random::System);
    let token = jwt::sign(&key, &serde_json::json!({ "alg": "ES256" }), &1).unwrap();
    verified(&token, &jwk(&key));
    let other = jwk(&Key::generate(&Random::System));
    assert!(std::panic::catch_unwind(|| verified(&token, &other)).is_err());
}

#[tokio::test]
async fn no_secret_is_printed() {
    let world = World::new().await;
    let grant = bound_grant();
    let delegated = Delegated {
        access_token: "at-1".into(),
        expires_at: grant.expires_at,
        scope: None,
        authorization_details: Vec::new(),
        mission_id: None,
    };
    let key = Key::from_pkcs8_pem(RFC_6979_KEY).unwrap();
    let shown = format!(
        "{grant:?} {delegated:?} {:?} {:?} {:?} {:?}",
        ActorCredential::assertion("at-1"),
        ClientAuthentication::Secret(Secret::new("rt-1")),
        world.agent.config,
        key,
    );
    assert!(
        !shown.contains("at-1") && !shown.contains("rt-1"),
        "{shown}"
    );
    assert!(!shown.to_lowercase().contains("c9afa9d8"), "{shown}");

    let pushed = serde_json::json!({ "request_uri": "urn:x", "expires_in": 90 });
    world.answer(201, &[], &pushed);
    let intent = crate::AuthorizationIntent {
        resource: vec![BANK.into()],
        ..Default::default()
    };
    let pending = world.agent.authorize(&intent).await.unwrap();
    assert!(!format!("{pending:?}").contains(pending.state()));
}
