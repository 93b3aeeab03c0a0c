//! How an exchange is refused: targets, scopes, details, proofs, nonces.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, DatabaseKind, Forge, ISSUER, SHOP, World, both, minted, payment, plus, refused,
    with,
};

use crate::client::narrow::{ask, calendar, details, wide};

both!(
    /// `invalid_target` for unknown, several, not granted and malformed targets (RFC 8707 section 2).
    unknown_several_and_malformed_targets_are_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let token = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        let cases = [
            ("unknown", with(&form, "resource", "https://nobody.example")),
            ("not granted", with(&form, "resource", SHOP)),
            ("several", plus(&form, "resource", SHOP)),
            ("the issuer", with(&form, "resource", ISSUER)),
            (
                "another path",
                with(&form, "resource", format!("{BANK}/mcp")),
            ),
            (
                "with a fragment",
                with(&form, "resource", format!("{BANK}#x")),
            ),
            ("relative", with(&form, "resource", "/bank")),
        ];
        for (what, form) in cases {
            let reply = ask(&world, &cast.planner, &form).await;
            refused(&reply, "invalid_target", what);
        }
        let other = plus(&form, "audience", SHOP);
        let reply = ask(&world, &cast.planner, &other).await;
        refused(&reply, "invalid_target", "`audience` means another");
    }
);

both!(
    /// `invalid_scope`: unknown scopes are refused, never dropped.
    unknown_scopes_are_refused_and_never_dropped,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        for scope in [
            "accounts:write",
            "accounts:read accounts:write",
            "openid",
            "no:such",
            "a\"b",
        ] {
            let reply = ask(&world, &cast.planner, &with(&form, "scope", scope)).await;
            refused(&reply, "invalid_scope", scope);
            assert!(!reply.text().contains("granted\""), "{}", reply.text());
        }
    }
);

both!(
    /// `excess: [{pointer, requested}]`, and the granted value only if the presented token carries it.
    excess_names_the_member_and_shows_only_what_the_token_carries,
    |world| async {
        let cast = Cast::of(&world).await;
        let (agent, form) = wide(&world, &cast).await;
        let token = cast
            .granted(&world, &agent, &form, BANK)
            .await
            .access_token();
        let form = cast.exchange_form(&token, None);
        let pay = |change: fn(&mut Value)| {
            let mut payment = payment("100.00");
            change(&mut payment);
            details(&json!([payment]))
        };
        type Case = (&'static str, fn(&mut Value), Value);
        let cases: [Case; 3] = [
            (
                "/0/instructed_amount/amount",
                |p| p["instructed_amount"]["amount"] = json!("150.00"),
                json!("100.00"),
            ),
            (
                "/0/creditor/name",
                |p| p["creditor"]["name"] = json!("Mallory"),
                json!("KLM"),
            ),
            (
                "/0/instructed_amount/currency",
                |p| p["instructed_amount"]["currency"] = json!("USD"),
                json!("EUR"),
            ),
        ];
        for (pointer, change, granted) in cases {
            let asked = with(&form, "authorization_details", pay(change));
            let reply = ask(&world, &agent, &asked).await;
            refused(&reply, "invalid_authorization_details", pointer);
            let excess = reply.json()["excess"].clone();
            assert_eq!(excess[0]["pointer"], pointer);
            assert_eq!(excess[0]["granted"], granted);
            assert!(excess[0].get("requested").is_some());
        }
        // The presented token is for the bank: what the shop may be told stays hidden.
        let to_shop = with(&form, "resource", SHOP);
        let asked = with(
            &to_shop,
            "authorization_details",
            details(&json!([calendar(&["read", "delete"])])),
        );
        let reply = ask(&world, &agent, &asked).await;
        refused(
            &reply,
            "invalid_authorization_details",
            "at another audience",
        );
        let excess = reply.json()["excess"].clone();
        assert!(
            excess[0]["pointer"]
                .as_str()
                .unwrap()
                .starts_with("/0/actions"),
            "{excess}"
        );
        assert_eq!(excess[0].get("granted"), None);
    }
);

both!(
    /// Unknown types and members, and what is no list of objects, are refused.
    unknown_types_and_members_are_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        let mut unknown_member = payment("10.00");
        unknown_member["urgent"] = json!(true);
        let mut missing = payment("10.00");
        missing.as_object_mut().unwrap().remove("creditor");
        let mut number = payment("10.00");
        number["instructed_amount"]["amount"] = json!(10);
        let mut other_place = payment("10.00");
        other_place["locations"] = json!([SHOP]);
        let mut other_ref = payment("10.00");
        other_ref["ref"] = json!("ref_unknown");
        for bad in [
            json!([{ "type": "transfer" }]),
            json!([unknown_member]),
            json!([missing]),
            json!([number]),
            json!([other_place]),
            json!([other_ref]),
            json!([{ "no": "type" }]),
            json!({ "type": "payment" }),
            json!("payment"),
            json!([[]]),
        ] {
            let asked = with(&form, "authorization_details", bad.to_string());
            let reply = ask(&world, &cast.planner, &asked).await;
            refused(&reply, "invalid_authorization_details", &bad.to_string());
        }
    }
);

both!(
    /// `ath` is optional in a proof at the token endpoint; when present it must match (RFC 9449 section 4.3).
    ath_is_optional_and_must_match,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let other = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        let url = format!("{ISSUER}/token");
        let now = world.now().seconds();
        let key = &cast.planner.dpop;
        let good = [
            key.proof("POST", &url, now),
            key.proof_with("POST", &url, now, &token),
        ];
        for proof in good {
            let reply = cast
                .planner
                .send_with(&world, "/token", &form, &[("dpop", &proof)])
                .await;
            minted(&reply, "absent or right");
        }
        let mut number = key.proof_claims("POST", &url, now);
        number["ath"] = json!(1);
        for proof in [
            key.proof_with("POST", &url, now, &other),
            key.sign_proof(&number),
        ] {
            let reply = cast
                .planner
                .send_with(&world, "/token", &form, &[("dpop", &proof)])
                .await;
            refused(&reply, "invalid_dpop_proof", "wrong `ath`");
        }
    }
);

both!(
    /// An invalid proof stays `invalid_dpop_proof`, a missing one is `invalid_request`.
    an_invalid_proof_and_a_missing_one_are_told_apart,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        let url = format!("{ISSUER}/token");
        let key = &cast.planner.dpop;
        let now = world.now().seconds();
        let used = key.proof("POST", &url, now);
        let first = cast
            .planner
            .send_with(&world, "/token", &form, &[("dpop", &used)])
            .await;
        minted(&first, "the first use");
        let (a, b) = (key.proof("POST", &url, now), key.proof("POST", &url, now));
        let cases: [(&str, Vec<(&str, String)>); 6] = [
            ("replayed", vec![("dpop", used)]),
            ("two headers", vec![("dpop", a), ("dpop", b)]),
            ("other method", vec![("dpop", key.proof("GET", &url, now))]),
            (
                "other url",
                vec![("dpop", key.proof("POST", &format!("{ISSUER}/par"), now))],
            ),
            ("old", vec![("dpop", key.proof("POST", &url, now - 3600))]),
            ("no JWT", vec![("dpop", "x".to_owned())]),
        ];
        for (what, headers) in cases {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let reply = cast
                .planner
                .send_with(&world, "/token", &form, &headers)
                .await;
            refused(&reply, "invalid_dpop_proof", what);
        }
        let none = cast.planner.send_with(&world, "/token", &form, &[]).await;
        refused(&none, "invalid_request", "no proof");
        let foreign = cast.planner.with_key(Forge::new(&world.random));
        refused(
            &ask(&world, &foreign, &form).await,
            "invalid_request",
            "valid, wrong key",
        );
    }
);

/// A missing nonce is `use_dpop_nonce`, and consumes nothing.
async fn nonce(kind: DatabaseKind) {
    let world = World::configured(kind, &[("PROFILES__AGENT__DPOP_NONCE", "true")]).await;
    let cast = Cast::of(&world).await;
    let grant = cast.grant(&world).await;
    let token = grant.access_token.expose();
    let assertion = cast.booker.actor_assertion(&world, "agt_planner");
    let form = cast.exchange_form(token, Some(&assertion));
    let challenge = ask(&world, &cast.planner, &form).await;
    refused(&challenge, "use_dpop_nonce", "no nonce");
    let nonce = challenge.header("dpop-nonce").unwrap().to_owned();
    let key = &cast.planner.dpop;
    let mut proof = key.proof_claims("POST", &format!("{ISSUER}/token"), world.now().seconds());
    proof["nonce"] = json!(nonce);
    let proof = key.sign_proof(&proof);
    let reply = cast
        .planner
        .send_with(&world, "/token", &form, &[("dpop", &proof)])
        .await;
    minted(&reply, "the same actor assertion, after the challenge");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_challenge_consumes_nothing_sqlite() {
    nonce(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_challenge_consumes_nothing_postgres() {
    nonce(DatabaseKind::Postgres).await;
}
