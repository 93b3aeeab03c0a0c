//! Refresh and scope (RFC 6749 section 6): what is asked is measured by the whole grant, and the answer says what is held.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Fields, ISSUER, PASSWORD, Plain, SHOP, TestReply, World, authorize_url, both,
    enrol_plain, minted, plain_file, refused, with, without,
};

/// Scopes of the issuer, of the bank and of the shop.
const ALL: &str = "accounts:read openid orders:read";

/// A public client that alice gave all of it, and its first answer, for the bank.
async fn reader(world: &World) -> (Plain, TestReply) {
    let cast = Cast::of(world).await;
    world.add_shop().await;
    let mut file = plain_file("app");
    file["scope"] = json!("openid accounts:read accounts:write orders:read");
    let app = enrol_plain(world, file).await;
    let asked = with(
        &without(&cast.request(), "authorization_details"),
        "scope",
        ALL,
    );
    let pushed = app.send(world, "/par", &asked).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let url = authorize_url(&app.id, &pushed.member("request_uri"));
    let back = world.browser().approve(&url, "alice", PASSWORD).await;
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    let redeem = with(&cast.redeem_form(&code.1), "resource", BANK);
    let first = app.send(world, "/token", &redeem).await;
    minted(&first, "first");
    (app, first)
}

fn form(with: &TestReply) -> Fields {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", with.member("refresh_token")),
    ]
}

both!(
    /// RFC 6749 section 6: a client may name all that it was granted; the token has what is of its audience, and nothing is
    /// reduced: the next refresh has it all.
    rfc_6749_6_all_that_was_granted_may_be_named,
    |world| async {
        let (app, mut last) = reader(&world).await;
        let delegation = last.claims()["dlg"].clone();
        for (resource, own) in [(BANK, "accounts:read"), (SHOP, "orders:read"), (ISSUER, "openid")]
        {
            let asked = with(&with(&form(&last), "scope", ALL), "resource", resource);
            last = app.send(&world, "/token", &asked).await;
            let claims = minted(&last, resource);
            assert_eq!((&claims["aud"], &claims["scope"]), (&json!(resource), &json!(own)));
            assert_eq!(claims["dlg"], delegation, "the grant itself");
            assert_eq!(last.json()["scope"], ALL);
        }
    }
);

both!(
    /// RFC 6749 section 5.1: each answer lists what the client holds by the grant, `openid` included.
    rfc_6749_5_1_the_answer_lists_what_is_held,
    |world| async {
        let (app, first) = reader(&world).await;
        assert_eq!(first.json()["scope"], ALL, "code");
        assert_eq!(first.claims()["scope"], "accounts:read");
        let next = with(&form(&first), "resource", SHOP);
        let next = app.send(&world, "/token", &next).await;
        assert_eq!(minted(&next, "refresh")["scope"], "orders:read");
        assert_eq!(next.json()["scope"], ALL, "refresh");
        let less = with(&form(&next), "scope", "openid accounts:read");
        let less = app.send(&world, "/token", &with(&less, "resource", BANK)).await;
        assert_eq!(minted(&less, "less")["scope"], "accounts:read");
        assert_eq!(less.json()["scope"], "accounts:read openid", "what was asked");
    }
);

both!(
    /// RFC 6749 section 6: what was not granted is refused, wherever it belongs; and so is a request that leaves its audience nothing.
    rfc_6749_6_what_was_not_granted_is_refused,
    |world| async {
        let (app, first) = reader(&world).await;
        for (scope, resource) in [
            ("accounts:read accounts:write", BANK),
            ("accounts:read orders:read unknown", BANK),
            ("accounts:write", SHOP),
            // Granted, and of another resource.
            ("orders:read", BANK),
            ("openid", BANK),
        ] {
            let asked = with(&with(&form(&first), "scope", scope), "resource", resource);
            let reply = app.send(&world, "/token", &asked).await;
            refused(&reply, "invalid_scope", scope);
        }
        let asked = with(&form(&first), "resource", BANK);
        minted(&app.send(&world, "/token", &asked).await, "not consumed by a refusal");
    }
);
