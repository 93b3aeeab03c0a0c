//! What a push asks for: `authorization_details` (RFC 9396), scope and resource (RFC 8707), within the ceiling.

use serde_json::{Value, json};
use writ_testkit::{BANK, Cast, Change, TestReply, World, both, merge, payment};

const TRAVEL: &str = "https://travel.example";
const NOTES: &str = "https://notes.example";

/// Pushes just these details.
async fn push(world: &World, cast: &Cast, details: &Value) -> TestReply {
    let form = cast
        .request()
        .with("authorization_details", details.to_string());
    cast.push(world, &form).await
}

/// A payment with one member set; null leaves it out.
fn changed(changes: Value) -> Value {
    let mut payment = payment("100.00");
    merge(&mut payment, changes);
    payment
}

/// A second resource that takes payments and `accounts:read` too.
async fn add_travel(world: &World) {
    world
        .add_resource(json!({
            "resource": TRAVEL, "name": "Travel", "scopes": ["accounts:read", "trips:read"],
            "authorization_details_types": ["payment"], "client_id": "bank-api"
        }))
        .await;
}

both!(
    rfc_9396_5_whatever_is_not_declared_is_refused_with_its_place,
    |world| async {
        let cast = Cast::of(&world).await;
        let good = payment("100.00");
        let table = [
            (json!([{ "type": "teleport" }]), "/0/type"),
            // Known to the server, not registered for this client.
            (json!([{ "type": "calendar" }]), "/0/type"),
            (json!([good, { "type": "teleport" }]), "/1/type"),
            (json!([changed(json!({ "priority": 1 }))]), "/0/priority"),
            (
                json!([changed(
                    json!({ "creditor": { "name": "KLM", "bic": "x", "account": { "iban": "NL91ABNA0417164300" } } })
                )]),
                "/0/creditor/bic",
            ),
            (
                json!([changed(
                    json!({ "instructed_amount": { "amount": 100, "currency": "EUR" } })
                )]),
                "/0/instructed_amount/amount",
            ),
            (
                json!([changed(
                    json!({ "instructed_amount": { "amount": "-1.00", "currency": "EUR" } })
                )]),
                "/0/instructed_amount/amount",
            ),
            (
                json!([changed(
                    json!({ "instructed_amount": { "amount": "1e3", "currency": "EUR" } })
                )]),
                "/0/instructed_amount/amount",
            ),
            (
                json!([changed(
                    json!({ "instructed_amount": { "amount": "1.00", "currency": "euro" } })
                )]),
                "/0/instructed_amount/currency",
            ),
            (json!([changed(json!({ "creditor": null }))]), "/0/creditor"),
            (
                json!([good, changed(json!({ "instructed_amount": null }))]),
                "/1/instructed_amount",
            ),
            (json!([changed(json!({ "ref": "ref_1" }))]), "/0/ref"),
            (
                json!([changed(json!({ "locations": ["https://evil.example"] }))]),
                "/0/locations",
            ),
            (
                json!([changed(json!({ "locations": "https://bank.example" }))]),
                "/0/locations",
            ),
            (json!([changed(json!({ "locations": [] }))]), "/0/locations"),
        ];
        for (details, place) in table {
            let reply = push(&world, &cast, &details).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_authorization_details".to_owned()),
                "{details}"
            );
            let sentence = reply.member("error_description");
            assert!(
                sentence.contains(&format!("`{place}`")),
                "{place}: {sentence}"
            );
        }
    }
);

both!(
    rfc_9396_2_details_are_an_array_of_typed_objects,
    |world| async {
        let cast = Cast::of(&world).await;
        let bad = [
            payment("1.00"),
            json!([1]),
            json!([{}]),
            json!([{ "type": 1 }]),
            json!([null]),
            json!("x"),
            json!(vec![payment("1.00"); 33]),
        ];
        for details in bad {
            let reply = push(&world, &cast, &details).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_authorization_details".to_owned()),
                "{details}"
            );
        }
        let form = cast.request().with("authorization_details", "[{");
        assert_eq!(
            cast.push(&world, &form).await.error(),
            "invalid_authorization_details"
        );
        let twice = cast.request().and(
            "authorization_details",
            json!([payment("1.00")]).to_string(),
        );
        assert_eq!(cast.push(&world, &twice).await.error(), "invalid_request");
    }
);

both!(
    wider_than_the_ceiling_is_refused_with_a_pointer,
    |world| async {
        let cast = Cast::of(&world).await;
        assert_eq!(
            push(&world, &cast, &json!([payment("500.00")]))
                .await
                .status,
            201
        );
        let table = [
            (
                json!([payment("500.01")]),
                "/0/instructed_amount/amount",
                json!("500.01"),
            ),
            (
                json!([payment("1.00"), payment("501")]),
                "/1/instructed_amount/amount",
                json!("501"),
            ),
            (
                json!([changed(
                    json!({ "instructed_amount": { "amount": "1.00", "currency": "USD" } })
                )]),
                "/0/instructed_amount/currency",
                json!("USD"),
            ),
        ];
        for (details, pointer, requested) in table {
            let reply = push(&world, &cast, &details).await;
            assert_eq!(
                reply.refusal(),
                (400, "invalid_authorization_details".to_owned()),
                "{details}"
            );
            let excess = &reply.json()["excess"];
            assert_eq!(
                excess,
                &json!([{ "pointer": pointer, "requested": requested }]),
                "no granted value"
            );
        }
    }
);

both!(
    rfc_8707_2_resources_and_scopes_that_are_not_known,
    |world| async {
        let cast = Cast::of(&world).await;
        add_travel(&world).await;
        let notes = json!({ "resource": NOTES, "name": "Notes" });
        world.add_resource(notes).await;
        let plain = cast.request().without("authorization_details");
        let table = [
            (
                plain.clone().with("resource", "https://unknown.example"),
                "invalid_target",
            ),
            (
                plain.clone().with("resource", "bank.example"),
                "invalid_target",
            ),
            (
                plain.clone().with("resource", format!("{BANK}#x")),
                "invalid_target",
            ),
            (
                plain
                    .clone()
                    .with("resource", BANK)
                    .and("resource", "https://unknown.example"),
                "invalid_target",
            ),
            // Outside the agent's ceiling, although both are registered.
            (
                plain.clone().without("scope").with("resource", NOTES),
                "invalid_target",
            ),
            (
                plain
                    .clone()
                    .with("scope", "trips:read")
                    .with("resource", TRAVEL),
                "invalid_scope",
            ),
            (
                plain
                    .clone()
                    .with("scope", "accounts:read")
                    .with("resource", TRAVEL),
                "invalid_scope",
            ),
            (
                plain.clone().with("scope", "accounts:close"),
                "invalid_scope",
            ),
            (plain.clone().with("scope", "openid"), "invalid_scope"),
            (plain.clone().with("scope", "a\"b"), "invalid_scope"),
            // Registered by two resources, and none is named.
            (
                plain.clone().with("scope", "accounts:read"),
                "invalid_target",
            ),
        ];
        for (form, error) in table {
            let reply = cast.push(&world, &form).await;
            assert_eq!(
                reply.refusal(),
                (400, error.to_owned()),
                "{form:?}: {}",
                reply.text()
            );
        }
        assert_eq!(
            cast.push(&world, &plain.with("resource", BANK))
                .await
                .status,
            201
        );
    }
);

both!(two_resources_and_no_locations_are_refused, |world| async {
    let cast = Cast::of(&world).await;
    add_travel(&world).await;
    let form = cast.request().without("scope");
    let reply = cast.push(&world, &form).await;
    assert_eq!(
        reply.refusal(),
        (400, "invalid_authorization_details".to_owned())
    );
    assert!(
        reply.member("error_description").contains("`/0/locations`"),
        "{}",
        reply.text()
    );
    let both = form.clone().with("resource", BANK).and("resource", TRAVEL);
    assert_eq!(
        cast.push(&world, &both).await.error(),
        "invalid_authorization_details"
    );
    let named = changed(json!({ "locations": [BANK] }));
    assert_eq!(
        push(&world, &cast, &json!([named])).await.error(),
        "invalid_target",
        "of the scope"
    );
    let form = form.with("authorization_details", json!([named]).to_string());
    assert_eq!(cast.push(&world, &form).await.status, 201);
    let form = cast.request().with("resource", BANK);
    let code = cast.code_of(&world, &form).await;
    let claims = cast.redeem(&world, &code).await.claims();
    assert_eq!(
        claims["authorization_details"][0]["locations"],
        json!([BANK])
    );
});

both!(
    each_object_gets_a_ref_and_the_hash_of_its_type,
    |world| async {
        let cast = Cast::of(&world).await;
        let details = json!([payment("1.00"), payment("2.00")]).to_string();
        let code = cast
            .code_of(
                &world,
                &cast.request().with("authorization_details", details),
            )
            .await;
        let reply = cast.redeem(&world, &code).await;
        let granted = &reply.claims()["authorization_details"];
        assert_eq!(
            &reply.json()["authorization_details"],
            granted,
            "RFC 9396 section 7"
        );
        assert_ne!(granted[0]["ref"], granted[1]["ref"]);
        for object in granted.as_array().unwrap() {
            assert!(object["ref"].as_str().unwrap().starts_with("ref_"));
            let path = format!("/types/{}", object["type_hash"].as_str().unwrap());
            let document = world.get(&path, &[]).await;
            assert_eq!(document.json()["type"], json!("payment"));
            assert!(
                document
                    .header("cache-control")
                    .unwrap()
                    .contains("immutable")
            );
        }
    }
);
