//! By which ways level `liveness` can be asked: CIBA, device flow and types, where there is a verifier; never a login (RFC 9470).

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, DatabaseKind, SEER, SEER_PAGE, TestLivenessVerifier, Web, World, agent_file,
    authorize_url, both, both_seen, claims, enrol, front_url, payment,
};

use crate::approvals::liveness::LIVENESS;

/// The shipped types, where a payment needs a live face.
fn strict_types(kind: DatabaseKind) -> std::path::PathBuf {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/types");
    let to = std::env::temp_dir().join(format!("writ-{kind:?}-types-{}", std::process::id()));
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let mut text = std::fs::read_to_string(&path).unwrap();
        if path.ends_with("payment.json") {
            text = text.replace("\"level\": \"password\"", "\"level\": \"liveness\"");
            assert!(text.contains("\"level\": \"liveness\""));
        }
        std::fs::write(to.join(path.file_name().unwrap()), text).unwrap();
    }
    to
}

/// Asks as a terminal and by CIBA for a payment, in a world whose payments need a live face.
async fn asks(kind: DatabaseKind, more: &[(&str, &str)]) -> [(u16, Value); 2] {
    let folder = strict_types(kind);
    let types = [("TYPES__PATH", folder.to_str().unwrap())];
    let settings = [types.as_slice(), more].concat();
    let world = World::configured(kind, &settings).await;
    let cast = Cast::of(&world).await;
    let details = json!([payment("5.00")]).to_string();
    let form = vec![("authorization_details", details)];
    let device = cast
        .planner
        .send(&world, "/device_authorization", &form)
        .await;
    let mut file = agent_file("agt_asker", "alice");
    file["agent"]["may_ask"] = json!(["alice"]);
    let agent = enrol(&world, file).await;
    let ciba = agent.ask(&world, &cast.question()).await;
    std::fs::remove_dir_all(&folder).unwrap();
    [(device.status, device.json()), (ciba.status, ciba.json())]
}

async fn by_type(kind: DatabaseKind) {
    let [device, ciba] = asks(kind, &[]).await;
    let code = &device.1["error"];
    assert_eq!(
        (device.0, code),
        (400, &json!("unmet_authentication_requirements"))
    );
    assert_eq!((ciba.0, &ciba.1["error"]), (403, &json!("access_denied")));
    let jwks = TestLivenessVerifier::new().jwks();
    let settings = [
        ("LIVENESS__URL", SEER_PAGE),
        ("LIVENESS__ISSUER", SEER),
        ("LIVENESS__JWKS", jwks.as_str()),
    ];
    let [device, ciba] = asks(kind, &settings).await;
    assert_eq!((device.0, ciba.0), (200, 200), "{} {}", device.1, ciba.1);
}

/// What nobody can answer is refused when it is asked, by whatever way.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_may_want_liveness_where_there_is_a_verifier_sqlite() {
    by_type(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_may_want_liveness_where_there_is_a_verifier_postgres() {
    by_type(DatabaseKind::Postgres).await;
}

both_seen!(rfc_9470_5_no_login_ever_reaches_it, |world, _seer| async {
    let found = world.get("/.well-known/openid-configuration", &[]).await;
    let listed = found.json()["acr_values_supported"].clone();
    let all = ["password", "passkey", "liveness"].map(|name| format!("urn:writ:acr:{name}"));
    assert_eq!(listed, json!(all), "an approval reaches it");
    let cast = Cast::of(&world).await;
    let mut alice = world.enrolled_phone("alice", 1).await;
    alice.sign_in_with_passkey(&[]).await;
    let web = Web::register(&world, json!({})).await;
    let form = cast.request().with("acr_values", LIVENESS);
    let pushed = authorize_url(&cast.planner.id, &cast.pushed(&world, &form).await);
    let front = front_url(&web.request().with("acr_values", LIVENESS));
    for url in [pushed, front] {
        let page = alice.browser.open(&url).await;
        let error = page.query("error");
        assert_eq!(error.as_deref(), Some("unmet_authentication_requirements"));
    }
    // Nor does a login after an approval by it.
    let token = claims(&cast.token(&world).await);
    assert_eq!(token["acr"], json!("urn:writ:acr:password"));
});

both!(
    without_a_verifier_nobody_is_asked_at_liveness,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let question = cast.question_within(&token).with("acr_values", LIVENESS);
        let reply = cast.planner.ask(&world, &question).await;
        assert_eq!(reply.refusal(), (403, "access_denied".to_owned()));
    }
);
