//! Somebody who proved nothing sends the same made-up request again and again, to each endpoint that takes one: the database does not
//! grow with each, and the right requests of others go on, from the same address where their sender proves who it is.

use std::net::IpAddr;

use bytes::Bytes;
use http::Request;
use serde_json::json;
use writ_server::node::strangers::MAX_UNPROVED;
use writ_testkit::{Cast, Change, Forge, ISSUER, TestReply, Web, World, both_with, front_url};

use crate::laws::made_up::{
    Attack, CODE, DEVICE, FEW, KEPT, NOTHING, REFUSED, app, as_many, encoded, form, form_with, page,
};

const SETTINGS: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("FEATURES__TRANSACTION_CHALLENGE", "true"),
    ("REGISTRATION__MODE", "open"),
    ("REGISTRATION__PER_ADDRESS", "5"),
];
/// Above every limit.
fn made_up() -> u32 {
    as_many(MAX_UNPROVED * 3 / 2)
}

async fn rows(world: &World) -> usize {
    world.database.dump().await.lines().count()
}

/// Each attack from an address of its own; the limits of the last one are used up then.
async fn attack(world: &World, attacks: &[Attack]) -> IpAddr {
    let mut from: IpAddr = "203.0.113.0".parse().unwrap();
    for (number, attack) in attacks.iter().enumerate() {
        from = format!("203.0.113.{number}").parse().unwrap();
        let before = rows(world).await;
        let mut last = None;
        for count in 0..made_up() {
            let request = (attack.send)(world, count);
            last = Some(world.request_from(from, request).await);
        }
        let (what, last) = (attack.what, last.unwrap());
        assert_eq!(last.status, attack.status, "{what}: {}", last.text());
        let told = last.header("retry-after").is_some();
        assert_eq!(told, last.status == 429, "{what}");
        let left = rows(world).await - before;
        assert!(left <= attack.rows, "{what}: {left} rows");
    }
    from
}

async fn town(world: &World) -> Cast {
    let cast = Cast::of(world).await;
    let public = json!({
        "client_id": "app", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", DEVICE]
    });
    Web::register(world, public).await;
    cast
}

async fn send(world: &World, from: &str, request: Request<Bytes>) -> TestReply {
    world.request_from(from.parse().unwrap(), request).await
}

/// Everything that strangers tried, by others.
async fn others_go_on(world: &World, cast: &Cast, attacker: IpAddr) {
    let other = "198.51.100.7";
    let pushed = send(world, other, form("/par", encoded(&app().request()))).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let front = send(world, other, page(&front_url(&app().request()))).await;
    assert_eq!(front.status, 303, "{}", front.text());
    let device = form(
        "/device_authorization",
        "client_id=app&scope=accounts%3Aread".to_owned(),
    );
    let device = send(world, other, device).await;
    assert_eq!(device.status, 200, "{}", device.text());
    let wrong = send(world, other, form("/token", format!("{CODE}x"))).await;
    assert_eq!(wrong.refusal(), (400, "invalid_grant".to_owned()));
    // From the attacker's own address, who proves who it is.
    let proved = [("authorization", cast.bank_basic())];
    let proved = proved
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let token = form_with("/introspect", "token=x".to_owned(), &proved);
    let introspected = world.request_from(attacker, token).await;
    assert_eq!(introspected.status, 200, "{}", introspected.text());
    let code = app().code(world, &app().request()).await;
    let redeem = app().redeem_form(&code).with("client_id", "app");
    let token = world
        .request_from(attacker, form("/token", encoded(&redeem)))
        .await;
    assert_eq!(token.status, 200, "{}", token.text());
}

both_with!(
    what_is_refused_leaves_no_row_each,
    SETTINGS,
    |world| async {
        let cast = town(&world).await;
        let attacker = attack(&world, &REFUSED).await;
        others_go_on(&world, &cast, attacker).await;
        let refused = world.events_named("request.refused").await;
        assert!(refused.is_empty(), "{refused:?}");
    }
);

both_with!(
    what_is_kept_has_a_bound_by_address,
    SETTINGS,
    |world| async {
        let cast = town(&world).await;
        let attacker = attack(&world, &KEPT).await;
        others_go_on(&world, &cast, attacker).await;
    }
);

both_with!(what_is_only_shown_leaves_nothing, SETTINGS, |world| async {
    let cast = town(&world).await;
    let attacker = attack(&world, &NOTHING).await;
    others_go_on(&world, &cast, attacker).await;
});

both_with!(
    /// Behind a proxy that names nobody all requests seem to come from one place: nothing is limited there, and nothing grows either.
    without_an_address_nothing_grows_with_each_request,
    SETTINGS,
    |world| async {
        town(&world).await;
        let before = rows(&world).await;
        for number in 0..made_up() {
            let reply = send(&world, "127.0.0.1", form("/token", format!("{CODE}{number}"))).await;
            assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()));
        }
        assert!(rows(&world).await - before <= FEW);
    }
);

both_with!(
    /// RFC 9449 section 8: a proof without a nonce is how a client asks for one, however many of them share an address.
    rfc_9449_8_a_nonce_is_given_above_the_limit,
    &[("PROFILES__OAUTH21__DPOP_NONCE", "true")],
    |world| async {
        town(&world).await;
        let url = format!("{ISSUER}/token");
        for number in 0..made_up() {
            let key = Forge::new(&world.random);
            let proof = key.proof("POST", &url, world.now().seconds());
            let asked = form_with("/token", format!("{CODE}{number}"), &[("dpop", &proof)]);
            let reply = send(&world, "203.0.113.1", asked).await;
            assert_eq!(reply.refusal(), (400, "use_dpop_nonce".to_owned()));
            assert!(reply.header("dpop-nonce").is_some());
        }
    }
);

both_with!(
    /// Whoever was given a grant once proved it then; what is left of it may be sent for ever.
    a_grant_that_is_of_no_use_makes_an_event_a_minute,
    SETTINGS,
    |world| async {
        town(&world).await;
        let code = app().code(&world, &app().request()).await;
        let redeem = encoded(&app().redeem_form(&code).with("client_id", "app"));
        let again = || form("/token", redeem.clone());
        assert_eq!(send(&world, "198.51.100.9", again()).await.status, 200);
        for minute in 1..=2 {
            for _ in 0..20 {
                let refused = send(&world, "198.51.100.9", again()).await;
                assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
            }
            let events = world.events_named("token.refused").await;
            assert_eq!(events.len(), minute);
            world.advance(60);
        }
    }
);
