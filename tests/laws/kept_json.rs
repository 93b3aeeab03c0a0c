//! What clients and resource servers send as JSON, in a signed text or in the form of a token is kept within bounds too: what is longer is
//! refused by a sentence that names it and nothing of it is kept, or what is kept of it is cut.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{
    AskingServer, Cast, OUTCOMES, TRANSACTIONS, TestReply, World, both, both_with, permitted,
    question, run_key,
};
use writ_wire::access_request::MAX_CANCEL_WORDS;

use super::kept_texts::{authority, changed, kept, text, words};
use crate::approvals::access_scene::{REQUESTS, ResourceServer, staged};
use crate::client::access::{opened as opened_bank, paying};
use crate::client::dynamic_registration::{CALLBACK, OPEN, asked, register};
use crate::client::transaction;

/// Longer than anything that is kept in this file's scenes.
const LONG: usize = 60_000;

/// One member at its bound and beyond.
struct Row {
    what: &'static str,
    most: Value,
    more: Value,
}

fn row(what: &'static str, most: Value, more: Value) -> Row {
    Row { what, most, more }
}

/// A row whose value is so many letters.
fn letters(what: &'static str, most: usize) -> Row {
    row(what, json!(text(most)), json!(text(most + 1)))
}

/// The name of the member: `client_name too` is another row about `client_name`.
fn name(what: &str) -> &str {
    what.split(' ').next().unwrap_or(what)
}

/// Refused for its length, in a sentence that names it; at its bound it is not.
#[track_caller]
fn names_the_bound(what: &str, more: &TestReply, most: &TestReply) {
    let sentence = |reply: &TestReply| {
        let member = match reply.header("content-type") {
            Some("application/problem+json") => "detail",
            _ => "error_description",
        };
        reply.member(member)
    };
    assert_eq!(more.status, 400, "{what}: {}", more.text());
    let why = sentence(more);
    assert!(why.contains(name(what)), "{what}: {why}");
    let fits = most.status < 400 || sentence(most) != why;
    assert!(fits, "{what} at its bound: {why}");
}

/// A URL of so many bytes.
fn url(bytes: usize) -> String {
    let head = "https://app.example/";
    format!("{head}{}", text(bytes - head.len()))
}

fn callback(bytes: usize) -> String {
    format!("{CALLBACK}/{}", text(bytes - CALLBACK.len() - 1))
}

both_with!(
    /// RFC 7591 section 2: what is refused of the metadata of a client.
    what_a_registration_has_kept_is_bounded,
    OPEN,
    |world| async {
        let key = |at: usize| json!({ "kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": at.to_string() });
        let keys = |count| json!({ "keys": (0..count).map(key).collect::<Vec<_>>() });
        let table = [
            row("redirect_uris", json!(vec![CALLBACK; 32]), json!(vec![CALLBACK; 33])),
            row("redirect URI of one", json!([callback(512)]), json!([callback(513)])),
            row("scope", json!(words(2, 255)), json!(words(9, 256))),
            row("contacts", json!(vec!["a@b.example"; 8]), json!(vec!["a@b.example"; 9])),
            row("jwks", keys(16), keys(17)),
            row("jwks_uri", json!(url(512)), json!(url(513))),
            row("token_endpoint_auth_method", json!("none"), json!(text(9_000))),
            row("application_type", json!("native"), json!(text(9_000))),
        ];
        for Row { what, most, more } in table {
            let member = match name(what) {
                "redirect" => "redirect_uris",
                member => member,
            };
            let with = |value: &Value| {
                let method = match member {
                    "jwks" | "jwks_uri" => json!("private_key_jwt"),
                    _ => json!("none"),
                };
                let mut body = asked(json!({ "token_endpoint_auth_method": method }));
                body[member] = value.clone();
                body
            };
            let before = kept(&world).await;
            let refused = register(&world, &with(&more)).await;
            assert_eq!(kept(&world).await, before, "{what}");
            let fits = register(&world, &with(&most)).await;
            names_the_bound(what, &refused, &fits);
        }
        let mut body = asked(json!({}));
        body["x"] = json!(text(16 * 1024));
        let before = kept(&world).await;
        let refused = register(&world, &body).await;
        assert_eq!(refused.refusal(), (400, "invalid_client_metadata".to_owned()));
        assert_eq!(kept(&world).await, before);
    }
);

both_with!(
    /// RFC 7591 section 3.2.1: the answer says what was registered, which may be less than was sent.
    what_a_registration_has_kept_is_cut,
    OPEN,
    |world| async {
        for (member, most) in [
            ("client_name", 140),
            ("software_id", 140),
            ("software_version", 140),
            ("client_uri", 512),
            ("logo_uri", 512),
            ("tos_uri", 512),
            ("policy_uri", 512),
        ] {
            let value = match member.ends_with("_uri") {
                true => url(9_000),
                false => text(9_000),
            };
            let mut body = asked(json!({}));
            body[member] = json!(value);
            let reply = register(&world, &body).await;
            assert_eq!(reply.status, 201, "{member}: {}", reply.text());
            let said = reply.json()[member].as_str().map_or(0, str::len);
            assert!(said <= most, "{member}: {said}");
            assert!(!world.database.dump().await.contains(&text(most + 1)), "{member}");
        }
        let many: Vec<String> = (0..400).map(|at| format!("{at}{}", text(20))).collect();
        let grants: Vec<&str> = many.iter().map(String::as_str).chain(["authorization_code"]).collect();
        let responses: Vec<&str> = many.iter().map(String::as_str).chain(["code"]).collect();
        let contact = text(9_000);
        for (member, value) in [
            ("grant_types", json!(grants)),
            ("response_types", json!(responses)),
            ("contacts", json!([contact])),
            ("token_endpoint_auth_signing_alg", json!(contact)),
            ("default_acr_values", json!([contact])),
            ("post_logout_redirect_uris", json!([url(9_000)])),
        ] {
            let mut body = asked(json!({}));
            body[member] = value;
            let reply = register(&world, &body).await;
            assert_eq!(reply.status, 201, "{member}: {}", reply.text());
            let dump = world.database.dump().await;
            assert!(!dump.contains(&text(141)) && !dump.contains(&text(20)[..20].repeat(8)), "{member}");
            assert!(!dump.contains(&many[399]), "{member}");
        }
    }
);

both_with!(
    what_a_challenge_has_kept_is_bounded,
    TRANSACTIONS,
    |world| async {
        let transaction::Scene { cast, bank, token } = transaction::opened(&world).await;
        let objects = |count| json!(vec![json!({ "type": "payment" }); count]);
        for Row { what, most, more } in [
            letters("txn", 256),
            letters("reason", 1024),
            row("authorization_details objects", objects(32), objects(33)),
        ] {
            let present = async |value: Value| {
                let mut claims = bank.challenge_claims(&world);
                claims[name(what)] = value;
                let challenge = bank.challenge(&claims);
                cast.planner.present(&world, &challenge, &token).await
            };
            let before = kept(&world).await;
            let refused = present(more).await;
            assert_eq!(kept(&world).await, before, "{what}");
            names_the_bound(what, &refused, &present(most).await);
        }
        let challenge = bank.challenge(&bank.challenge_claims(&world));
        let form = writ_testkit::present_form(&challenge, &token);
        let send = async |code: String| {
            let form = changed(&form, "user_code", &[code]);
            cast.planner
                .send(&world, "/transaction_authorization", &form)
                .await
        };
        let before = kept(&world).await;
        let refused = send(text(129)).await;
        assert_eq!(kept(&world).await, before);
        names_the_bound("user_code", &refused, &send(text(128)).await);
    }
);

both!(
    /// RFC 8693 section 2.1, and the grants that name an authority of their own.
    what_a_grant_has_kept_is_bounded,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let assertion = || cast.booker.actor_assertion(&world, &cast.planner.id);
        let own = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("scope", "accounts:read".to_owned()),
        ];
        let form = |exchanges: bool| match exchanges {
            true => cast.exchange_form(&token, Some(&assertion())),
            false => own.clone(),
        };
        for exchanges in [true, false] {
            cast.planner.send(&world, "/token", &form(exchanges)).await;
            for one in authority().into_iter().filter(|one| one.parameter != "mission_intent") {
                let before = kept(&world).await;
                let longer = changed(&form(exchanges), one.parameter, &one.more);
                let refused = cast.planner.send(&world, "/token", &longer).await;
                assert_eq!(refused.refusal(), (400, one.error.to_owned()), "{}", one.what);
                assert_eq!(kept(&world).await, before, "{}", one.what);
                let why = refused.member("error_description");
                let fits = changed(&form(exchanges), one.parameter, &one.most);
                let fits = cast.planner.send(&world, "/token", &fits).await;
                let said = fits.status >= 400;
                assert!(!said || fits.member("error_description") != why, "{}: {why}", one.what);
            }
            for ignored in ["purpose", "mission_intent", "onward", "claims", "x"] {
                let form = changed(&form(exchanges), ignored, &[text(LONG)]);
                let reply = cast.planner.send(&world, "/token", &form).await;
                assert_eq!(reply.status, 200, "{ignored}: {}", reply.text());
            }
        }
        assert!(!world.database.dump().await.contains(&text(100)));
    }
);

both!(
    /// What is asked about is kept as digests: names, ids and arguments may have any length.
    what_an_evaluation_has_kept_is_bounded,
    |world| async {
        let (cast, bank) = opened_bank(&world).await;
        let token = cast.token(&world).await;
        for (member, part) in [
            ("subject", "type"),
            ("subject", "id"),
            ("action", "name"),
            ("resource", "type"),
            ("resource", "id"),
            ("context", "definition_hash"),
            ("context", "access_token"),
        ] {
            let mut body = question(&world, &cast.planner, &token, paying("1.00"));
            body[member][part] = json!(text(LONG));
            body["action"]["properties"]["reference"] = json!(text(LONG / 2));
            let reply = bank.decide(&body, &run_key(&world)).await;
            assert_eq!(reply.status, 200, "{member} {part}: {}", reply.text());
            let dump = world.database.dump().await;
            assert!(!dump.contains(&text(141)), "{member} {part}");
        }
        let body = question(&world, &cast.planner, &token, paying("1.00"));
        let before = kept(&world).await;
        let refused = bank.decide(&body, &text(129)).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains("Idempotency-Key"), "{}", refused.text());
        assert_eq!(kept(&world).await, before);
        permitted(&bank.decide(&body, &text(128)).await);
    }
);

/// The JSON object `{"q":"..."}` of so many bytes.
fn arguments(bytes: usize) -> Value {
    let empty = json!({ "q": "" }).to_string();
    json!({ "q": text(bytes - empty.len()) })
}

both!(what_an_outcome_has_kept_is_bounded, |world| async {
    let (cast, bank) = opened_bank(&world).await;
    let decide = async |bank: &AskingServer| {
        let token = cast.token(&world).await;
        let body = question(&world, &cast.planner, &token, paying("1.00"));
        let context = permitted(&bank.decide(&body, &run_key(&world)).await);
        context["decision_id"].as_str().unwrap().to_owned()
    };
    for Row { what, most, more } in [
        letters("data_class", 140),
        row("object", arguments(65_536), arguments(65_537)),
    ] {
        let id = decide(&bank).await;
        let tell = async |value: Value| {
            let mut body = json!({ "decision_id": id, "result": "completed" });
            body[name(what)] = value;
            bank.post(OUTCOMES, &body, &[]).await
        };
        let events = world.events().await;
        let before = kept(&world).await;
        let refused = tell(more).await;
        assert_eq!(kept(&world).await, before, "{what}");
        let told = world.events().await.len() - events.len();
        assert!(told <= 1, "{what}: a refusal alone");
        assert!(!world.database.dump().await.contains(&text(141)), "{what}");
        let fits = tell(most).await;
        assert_eq!(fits.status, 204, "{what}: {}", fits.text());
        names_the_bound(what, &refused, &fits);
    }
});

async fn submit(world: &World, notes: &ResourceServer, body: &Value, key: &str) -> TestReply {
    let headers = [("idempotency-key", key)];
    notes
        .send_with(world, (Method::POST, REQUESTS), body, &headers)
        .await
}

both!(what_an_access_request_has_kept_is_bounded, |world| async {
    let scene = staged(&world).await;
    let notes = &scene.notes;
    let key = || run_key(&world);
    for Row { what, most, more } in [
        letters("context.says", 140),
        row("action.properties", arguments(65_536), arguments(65_537)),
        letters("denial.evaluation_id", 4096),
    ] {
        let good = notes.submission(&world, &scene.deletion("List")).await;
        let path = format!("/{}", what.replace('.', "/"));
        let send = async |value: Value| {
            let mut body = good.clone();
            match body.pointer_mut(&path) {
                Some(place) => *place = value,
                None => body["context"]["says"] = value,
            }
            submit(&world, notes, &body, &key()).await
        };
        let before = kept(&world).await;
        let refused = send(more).await;
        assert_eq!(kept(&world).await, before, "{what}");
        let fits = send(most).await;
        // An id that is none has one sentence, however long it is.
        if what != "denial.evaluation_id" {
            names_the_bound(what, &refused, &fits);
        }
    }
    let good = notes.submission(&world, &scene.deletion("List")).await;
    let before = kept(&world).await;
    let refused = submit(&world, notes, &good, &text(129)).await;
    assert_eq!(kept(&world).await, before);
    let fits = submit(&world, notes, &good, &text(128)).await;
    assert_eq!(fits.status, 202, "{}", fits.text());
    names_the_bound("Idempotency-Key", &refused, &fits);
    // A question is taken back whatever is said of it.
    let id = fits.json()["task"]["id"].as_str().unwrap().to_owned();
    let path = format!("{REQUESTS}/{id}/cancel");
    let said = json!({ "reason": text(LONG), "comment": text(LONG) });
    let cancelled = notes
        .send_with(&world, (Method::POST, &path), &said, &[])
        .await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    let dump = world.database.dump().await;
    assert!(!dump.contains(&text(MAX_CANCEL_WORDS + 1)));
});
