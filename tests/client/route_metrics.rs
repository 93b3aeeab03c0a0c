//! Each route counts its refusals as its own: in the node's metrics, by the minute, and in the audit log.

use std::collections::BTreeSet;

use http::Method;
use writ_testkit::{Cast, TRANSACTIONS, World, both_with, minted};
use writ_wire::time::Timestamp;

/// A request that a route refuses before anybody is known, and how it is counted.
pub struct BadRequest {
    pub path: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: &'static str,
    /// The label `endpoint` of `writ_requests_refused_total`.
    pub label: &'static str,
    pub code: &'static str,
}

const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

impl BadRequest {
    /// JSON where a form is expected.
    const fn no_form(path: &'static str) -> Self {
        Self {
            path,
            headers: &[("content-type", "application/json")],
            body: "{}",
            label: path,
            code: "invalid_request",
        }
    }

    /// A token request with a grant and without a client.
    const fn no_client(body: &'static str, label: &'static str) -> Self {
        Self {
            path: "/token",
            headers: FORM,
            body,
            label,
            code: "invalid_client",
        }
    }
}

const PROGRAMS: [BadRequest; 14] = [
    BadRequest::no_form("/par"),
    BadRequest::no_form("/token"),
    BadRequest::no_form("/bc-authorize"),
    BadRequest::no_form("/device_authorization"),
    BadRequest::no_form("/transaction_authorization"),
    BadRequest::no_form("/introspect"),
    BadRequest::no_form("/revoke"),
    BadRequest {
        headers: &[("authorization", "DPoP x"), ("authorization", "DPoP y")],
        ..BadRequest::no_form("/userinfo")
    },
    BadRequest::no_client(
        "grant_type=authorization_code&code=x&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "/token authorization_code",
    ),
    BadRequest::no_client(
        "grant_type=refresh_token&refresh_token=x",
        "/token refresh_token",
    ),
    BadRequest::no_client("grant_type=client_credentials", "/token client_credentials"),
    BadRequest::no_client(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token",
        "/token token-exchange",
    ),
    BadRequest::no_client(
        "grant_type=urn:openid:params:grant-type:ciba&auth_req_id=x",
        "/token ciba",
    ),
    BadRequest::no_client(
        "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x",
        "/token device_code",
    ),
];

/// Sends each of them, and looks for exactly one more refusal under its label each time.
pub async fn each_is_counted_as_itself(world: &World, requests: &[BadRequest]) {
    for request in requests {
        let counted = || count(world, request.label, request.code);
        let before = counted();
        let body = request.body.as_bytes().to_vec();
        let reply = world
            .send(Method::POST, request.path, request.headers, body)
            .await;
        let what = format!("{}: {} {}", request.label, reply.status, reply.text());
        assert!((400..500).contains(&reply.status), "{what}");
        assert_eq!(
            counted(),
            before + 1,
            "{what}\n{}",
            world.app.metrics.render()
        );
    }
    let labels: BTreeSet<&str> = requests.iter().map(|request| request.label).collect();
    assert_eq!(labels.len(), requests.len(), "two routes under one name");
}

fn count(world: &World, label: &str, code: &str) -> u64 {
    let start = format!("writ_requests_refused_total{{endpoint=\"{label}\",code=\"{code}\"}} ");
    let text = world.app.metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |number| number.parse().unwrap())
}

both_with!(
    a_bad_body_is_counted_at_its_route,
    TRANSACTIONS,
    |world| async {
        each_is_counted_as_itself(&world, &PROGRAMS).await;
        let mut transaction = world.begin().await;
        let counts = transaction.refusal_counts(Timestamp::from_seconds(0)).await;
        let counts = counts.unwrap();
        let by_minute: BTreeSet<(&str, &str, i64)> = counts
            .iter()
            .map(|count| (count.endpoint.as_str(), count.code.as_str(), count.refusals))
            .collect();
        let expected = PROGRAMS
            .iter()
            .map(|bad| (bad.label, bad.code, 1))
            .collect();
        assert_eq!(by_minute, expected);
        assert!(world.events_named("token.refused").await.is_empty());
        assert!(world.events_named("request.refused").await.is_empty());
    }
);

both_with!(
    a_refusal_after_client_authentication_names_its_endpoint,
    TRANSACTIONS,
    |world| async {
        let cast = Cast::of(&world).await;
        let paths = [
            "/par",
            "/bc-authorize",
            "/device_authorization",
            "/transaction_authorization",
            "/introspect",
        ];
        let nothing = [("scope", "unknown".to_owned())];
        for path in paths {
            let reply = cast.planner.send(&world, path, &nothing).await;
            assert_eq!(reply.status, 400, "{path}: {}", reply.text());
            world.advance(1);
        }
        let events = world.events_named("request.refused").await;
        let endpoints: Vec<&str> = events
            .iter()
            .map(|event| event.data["endpoint"].as_str().unwrap())
            .collect();
        assert_eq!(endpoints, paths);
        for event in &events {
            assert_eq!(event.decision.as_deref(), Some("deny"));
            assert_eq!(event.client.as_deref(), Some("agt_planner"));
        }
        assert!(world.events_named("token.refused").await.is_empty());
    }
);

both_with!(
    a_hand_over_records_the_delegation_that_it_makes,
    TRANSACTIONS,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let narrower = cast.exchange_form(&token, None);
        let narrowed = cast.planner.send(&world, "/token", &narrower).await;
        minted(&narrowed, "narrow");
        assert!(world.events_named("delegation.made").await.is_empty());
        // A later event has a later time.
        world.advance(1);
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let claims = minted(&handed, "hand over");
        let made = world.events_named("delegation.made").await;
        assert_eq!(made.len(), 1, "{made:?}");
        let delegation = claims["act"]["dlg"].as_str();
        assert_eq!(made[0].delegation.as_deref(), delegation);
        assert_eq!(made[0].data["holder"], "agt_booker");
        assert_eq!(made[0].data["requested_by"], "agt_planner");
        let exchanged = world.events_named("token.exchanged").await;
        let last = exchanged.last().unwrap();
        assert_eq!(last.delegation.as_deref(), delegation);
        assert_eq!(last.data["authority"], made[0].data["authority"]);
    }
);
