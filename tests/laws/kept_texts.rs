//! What a stranger has kept by one request is bounded: each text has a longest length and each list a most members, and what is longer
//! is refused, and nothing of it is kept.

use serde_json::json;
use writ_testkit::{Cast, Change, Fields, TestReply, Web, World, both, front_url};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const LOOPBACK: &str = "http://127.0.0.1/cb";

/// One parameter at its bound and beyond.
pub(super) struct Bound {
    pub(super) what: &'static str,
    pub(super) parameter: &'static str,
    pub(super) most: Vec<String>,
    pub(super) more: Vec<String>,
    pub(super) error: &'static str,
}

pub(super) fn bound(what: &'static str, most: String, more: String, error: &'static str) -> Bound {
    let parameter = what.split(' ').next().unwrap_or(what);
    Bound {
        what,
        parameter,
        most: vec![most],
        more: vec![more],
        error,
    }
}

/// So many bytes.
pub(super) fn text(bytes: usize) -> String {
    "q".repeat(bytes)
}

/// So many words of so many bytes, each another one.
pub(super) fn words(count: usize, bytes: usize) -> String {
    let word = |at: usize| format!("{at:0>bytes$}");
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

/// A resource indicator of so many bytes.
fn resource(at: usize, bytes: usize) -> String {
    let head = format!("https://{at}.example/");
    format!("{head}{}", text(bytes - head.len()))
}

fn details(count: usize) -> String {
    json!(vec![json!({ "type": "payment" }); count]).to_string()
}

/// One object, in so many bytes.
fn detail(bytes: usize) -> String {
    let empty = json!([{ "type": "payment", "q": "" }]).to_string();
    let filled = text(bytes - empty.len());
    json!([{ "type": "payment", "q": filled }]).to_string()
}

fn intent(member: &str, value: String) -> String {
    let mut intent = json!({ "goal": "book a flight" });
    intent[member] = json!(value);
    json!({ "intent": intent }).to_string()
}

/// What every request for authority may have.
pub(super) fn authority() -> Vec<Bound> {
    const DETAILS: &str = "invalid_authorization_details";
    const INTENT: &str = "invalid_request";
    let resources = |count| (0..count).map(|at| resource(at, 512)).collect::<Vec<_>>();
    vec![
        bound("scope names", words(64, 9), words(65, 9), "invalid_scope"),
        bound("scope name", text(256), text(257), "invalid_scope"),
        bound(
            "resource",
            resource(0, 512),
            resource(0, 513),
            "invalid_target",
        ),
        Bound {
            what: "resource parameters",
            parameter: "resource",
            most: resources(16),
            more: resources(17),
            error: "invalid_target",
        },
        bound(
            "authorization_details objects",
            details(32),
            details(33),
            DETAILS,
        ),
        bound(
            "authorization_details",
            detail(32_768),
            detail(32_769),
            DETAILS,
        ),
        bound(
            "mission_intent goal",
            intent("goal", text(140)),
            intent("goal", text(141)),
            INTENT,
        ),
        bound(
            "mission_intent purpose",
            intent("purpose", text(140)),
            intent("purpose", text(141)),
            INTENT,
        ),
        bound(
            "mission_intent goal_lang",
            intent("goal_lang", text(35)),
            intent("goal_lang", text(36)),
            INTENT,
        ),
        bound(
            "mission_intent expires_at",
            intent(
                "expires_at",
                "2026-09-22T14:13:20.123456789+00:00".to_owned(),
            ),
            intent(
                "expires_at",
                format!("2026-09-22T14:13:20Z[u-ca={}]", text(30_000)),
            ),
            INTENT,
        ),
    ]
}

/// What a request of the authorization endpoint may have beside that, pushed or not.
fn authorization() -> Vec<Bound> {
    const INVALID: &str = "invalid_request";
    let port = |zeros: usize| format!("http://127.0.0.1:{}1/cb", "0".repeat(zeros));
    vec![
        bound("state", text(4096), text(4097), INVALID),
        bound("nonce", text(255), text(256), INVALID),
        bound("dpop_jkt", "A".repeat(43), "A".repeat(44), INVALID),
        bound("code_challenge", "A".repeat(43), "A".repeat(44), INVALID),
        bound("acr_values", words(16, 9), words(17, 9), INVALID),
        bound("acr_values of one", text(128), text(129), INVALID),
        bound("login_hint", text(200), text(201), INVALID),
        bound("id_token_hint", text(16_384), text(16_385), INVALID),
        bound("max_age", "1".repeat(19), "1".repeat(21), INVALID),
        bound("redirect_uri port", port(4), port(5), INVALID),
        bound(
            "prompt",
            text(9000),
            format!("none {}", text(9000)),
            INVALID,
        ),
        bound("response_mode", "form_post".to_owned(), text(9000), INVALID),
    ]
}

pub(super) fn changed(form: &Fields, parameter: &'static str, values: &[String]) -> Fields {
    let bare = form.clone().without(parameter);
    values
        .iter()
        .fold(bare, |form, value| form.and(parameter, value))
}

/// Requests and what is wanted of people; counters and the record are apart.
pub(super) async fn kept(world: &World) -> Vec<String> {
    let dump = world.database.dump().await;
    let kept = dump.lines().filter(|row| {
        ["attempts ", "refusal_counts ", "replays ", "events "]
            .iter()
            .all(|table| !row.starts_with(table))
    });
    let mut kept: Vec<String> = kept.map(str::to_owned).collect();
    kept.sort();
    kept
}

async fn posted(world: &World, path: &str, form: &Fields) -> TestReply {
    let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
    world.post(path, &pairs, &[]).await
}

async fn check(world: &World, path: &str, good: &Fields, table: Vec<Bound>) {
    for Bound {
        what,
        parameter,
        most,
        more,
        error,
    } in table
    {
        let before = kept(world).await;
        let refused = posted(world, path, &changed(good, parameter, &more)).await;
        assert_eq!(refused.refusal(), (400, error.to_owned()), "{path} {what}");
        assert_eq!(kept(world).await, before, "{path} {what}");
        let why = refused.member("error_description");
        let fits = posted(world, path, &changed(good, parameter, &most)).await;
        let said = fits.status >= 400;
        assert!(
            !said || fits.member("error_description") != why,
            "{path} {what} at its bound: {why}"
        );
    }
}

async fn public(world: &World) -> Web {
    Cast::of(world).await;
    let public = json!({
        "client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": [LOOPBACK],
        "grant_types": ["authorization_code", "refresh_token", DEVICE]
    });
    Web::register(world, public).await
}

both!(what_a_pushed_request_has_kept_is_bounded, |world| async {
    let client = public(&world).await;
    let good = client.request().with("redirect_uri", LOOPBACK);
    assert_eq!(posted(&world, "/par", &good).await.status, 201);
    check(&world, "/par", &good, authority()).await;
    check(&world, "/par", &good, authorization()).await;
});

both!(what_a_device_has_kept_is_bounded, |world| async {
    let client = public(&world).await;
    let good: Fields = vec![
        ("client_id", client.id.clone()),
        ("scope", "accounts:read".to_owned()),
    ];
    let path = "/device_authorization";
    assert_eq!(posted(&world, path, &good).await.status, 200);
    check(&world, path, &good, authority()).await;
});

both!(what_the_front_channel_has_kept_is_bounded, |world| async {
    let client = public(&world).await;
    let good = client.request().with("redirect_uri", LOOPBACK);
    for Bound {
        what,
        parameter,
        more,
        ..
    } in authority().into_iter().chain(authorization())
    {
        let before = kept(&world).await;
        let form = changed(&good, parameter, &more);
        for reply in [
            world.get(&front_url(&form), &[]).await,
            posted(&world, "/authorize", &form).await,
        ] {
            let away = reply.header("location").unwrap_or_default();
            assert!(
                reply.status == 400 || away.contains("error="),
                "{what}: {} {away}",
                reply.status
            );
        }
        assert_eq!(kept(&world).await, before, "{what}");
    }
});

both!(what_is_ignored_is_not_kept, |world| async {
    let client = public(&world).await;
    let good = client.request().with("redirect_uri", LOOPBACK);
    for parameter in [
        "claims",
        "display",
        "ui_locales",
        "prompt",
        "claims_locales",
        "registration",
        "audience",
        "x",
    ] {
        let form = good.clone().with(parameter, text(60_000));
        let pushed = posted(&world, "/par", &form).await;
        assert_eq!(pushed.status, 201, "{parameter}: {}", pushed.text());
        let dump = world.database.dump().await;
        assert!(!dump.contains(&text(100)), "{parameter}");
    }
    // Of languages the first sixteen are.
    let form = good.clone().with("ui_locales", words(400, 35));
    let before = world.database.dump().await.len();
    assert_eq!(posted(&world, "/par", &form).await.status, 201);
    let grown = world.database.dump().await.len() - before;
    assert!(grown < 16_384, "{grown}");
});

both!(
    what_a_backchannel_request_has_kept_is_bounded,
    |world| async {
        let cast = Cast::of(&world).await;
        let good = cast.question();
        const INVALID: &str = "invalid_request";
        let table = vec![
            bound("acr_values", words(16, 9), words(17, 9), INVALID),
            bound("acr_values of one", text(128), text(129), INVALID),
            bound("binding_message", text(4096), text(4097), INVALID),
            bound("login_hint", text(256), text(257), INVALID),
            bound("user_code", text(128), text(129), INVALID),
            bound("client_notification_token", text(1024), text(1025), INVALID),
            bound("requested_expiry", "1".repeat(19), "1".repeat(21), INVALID),
        ];
        for one in table
            .into_iter()
            .chain(authority())
            .filter(|one| one.parameter != "mission_intent")
        {
            let before = kept(&world).await;
            let form = changed(&good, one.parameter, &one.more);
            let refused = cast.planner.send(&world, "/bc-authorize", &form).await;
            assert_eq!(
                refused.refusal(),
                (400, one.error.to_owned()),
                "{}",
                one.what
            );
            assert_eq!(kept(&world).await, before, "{}", one.what);
            let why = refused.member("error_description");
            let form = changed(&good, one.parameter, &one.most);
            let fits = cast.planner.send(&world, "/bc-authorize", &form).await;
            let said = fits.status >= 400;
            assert!(
                !said || fits.member("error_description") != why,
                "{}: {why}",
                one.what
            );
        }
    }
);
