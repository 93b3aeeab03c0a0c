//! Resources as clients spell them: `resource`, `audience` and `locations` are compared as RFC 3986 section 6.2 does (RFC 8707
//! section 2), tokens carry the registered spelling, and nothing else is compared so.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Change, Fields, ISSUER, REDIRECT, SHOP, World, both, enrol, minted, payment, plus,
    refused, with,
};
use writ_wire::registration::ResourceFile;

/// The bank in other letters.
const SPELLINGS: [&str; 5] = [
    "https://bank.example/",
    "https://bank.example:443",
    "HTTPS://BANK.Example",
    "https://bank.example/./",
    "https://b%61nk.example/x/..",
];

const MCP: &str = "https://tools.example/mcp";

async fn add_tools(world: &World) {
    let file = json!({ "resource": MCP, "name": "Tools", "scopes": ["tools:use"] });
    world.add_resource(file).await;
}

both!(
    rfc_8707_2_a_resource_in_other_letters_is_the_registered_one,
    |world| async {
        let cast = Cast::of(&world).await;
        for spelling in SPELLINGS {
            let mut object = payment("100.00");
            object["locations"] = json!([spelling]);
            let form = cast
                .request()
                .with("resource", spelling)
                .with("authorization_details", json!([object]).to_string());
            let code = cast.code_of(&world, &form).await;
            let redeem = cast.redeem_form(&code).with("resource", spelling);
            let reply = cast.planner.send(&world, "/token", &redeem).await;
            let claims = minted(&reply, spelling);
            assert_eq!(
                claims["aud"],
                json!(BANK),
                "a resource compares this exactly"
            );
            assert_eq!(
                claims["authorization_details"][0]["locations"],
                json!([BANK])
            );
            let refresh = cast.planner.refresh_form(&reply.member("refresh_token"));
            let refresh = refresh.with("resource", spelling);
            let reply = cast.planner.send(&world, "/token", &refresh).await;
            assert_eq!(minted(&reply, spelling)["aud"], json!(BANK));
            let own = [
                ("scope", "accounts:read".to_owned()),
                ("resource", spelling.to_owned()),
            ];
            let own = cast.planner.own(&world, &own).await;
            assert_eq!(minted(&own, spelling)["aud"], json!(BANK));
        }
        let issuer = [("resource", format!("{ISSUER}/"))];
        let own = cast.planner.own(&world, &issuer).await;
        assert_eq!(minted(&own, "the issuer")["aud"], json!(ISSUER));
    }
);

both!(
    rfc_3986_6_2_another_path_is_another_resource,
    |world| async {
        let cast = Cast::of(&world).await;
        add_tools(&world).await;
        let plain = cast.request().without("authorization_details");
        for other in [
            "https://tools.example/mcp/",
            "https://tools.example/MCP",
            "https://tools.example",
            "https://tools.example/mcp?",
            "http://tools.example/mcp",
            "https://tools.example:8443/mcp",
        ] {
            let reply = cast
                .push(&world, &plain.clone().with("resource", other))
                .await;
            refused(&reply, "invalid_target", other);
        }
    }
);

both!(
    two_registrations_that_would_be_equal_are_refused,
    |world| async {
        Cast::of(&world).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        for spelling in ["https://bank.example/", "https://bank.example:443/"] {
            let file = json!({ "resource": spelling, "name": "Bank again" });
            let file: ResourceFile = serde_json::from_value(file).unwrap();
            let error = registry.add_resource(&file).await.unwrap_err().to_string();
            assert!(
                error.contains("use that spelling") && error.contains(BANK),
                "{error}"
            );
        }
        let own = json!({ "resource": format!("{ISSUER}/"), "name": "The issuer" });
        let own: ResourceFile = serde_json::from_value(own).unwrap();
        assert!(registry.add_resource(&own).await.is_err());
        let same = json!({ "resource": BANK, "name": "Bank, renamed" });
        world.add_resource(same).await;
        let found = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await
            .json();
        assert_eq!(found["protected_resources"], json!([BANK]));
    }
);

both!(
    rfc_6749_3_1_2_a_redirect_uri_is_compared_as_it_is_written,
    |world| async {
        let cast = Cast::of(&world).await;
        for other in [
            "https://agents.example:443/cb",
            "https://AGENTS.example/cb",
            "https://agents.example/./cb",
        ] {
            let reply = cast
                .push(&world, &cast.request().with("redirect_uri", other))
                .await;
            refused(&reply, "invalid_request", other);
            assert_ne!(other, REDIRECT);
        }
    }
);

both!(
    rfc_8693_2_1_audience_names_a_registered_resource,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, writ_testkit::agent_file("agt_buyer", "alice")).await;
        let form = cast
            .request()
            .without("authorization_details")
            .with("scope", "accounts:read orders:read");
        let token = cast
            .granted(&world, &agent, &form, BANK)
            .await
            .access_token();
        let bare = cast.exchange_form(&token, None).without("resource");
        let ask = async |form: Fields| agent.send(&world, "/token", &form).await;
        let shop = minted(&ask(with(&bare, "audience", SHOP)).await, "audience alone");
        assert_eq!(
            (&shop["aud"], &shop["scope"]),
            (&json!(SHOP), &json!("orders:read"))
        );
        let slash = format!("{SHOP}/");
        let both = plus(&with(&bare, "audience", slash), "resource", SHOP);
        let reply = ask(both).await;
        assert_eq!(minted(&reply, "both mean the same")["aud"], json!(SHOP));
        assert_eq!(
            reply.member("scope"),
            "orders:read",
            "of the token that is issued"
        );
        let differ = plus(&with(&bare, "audience", SHOP), "resource", BANK);
        refused(&ask(differ).await, "invalid_target", "they differ");
        for unknown in ["https://nobody.example", "shop", "agt_booker"] {
            let form = with(&bare, "audience", unknown);
            refused(&ask(form).await, "invalid_target", unknown);
        }
    }
);

both!(rfc_8707_2_2_several_granted_and_none_named, |world| async {
    let cast = Cast::of(&world).await;
    world.add_shop().await;
    let agent = enrol(&world, writ_testkit::agent_file("agt_buyer", "alice")).await;
    let form = cast
        .request()
        .without("authorization_details")
        .with("scope", "openid accounts:read orders:read");
    let code = cast.approved(&world, &agent, &form, "alice").await;
    let redeem = cast.redeem_form(&code).without("resource");
    let reply = agent.send(&world, "/token", &redeem).await;
    refused(&reply, "invalid_target", "two are granted");
    let reply = agent
        .send(&world, "/token", &redeem.with("resource", SHOP))
        .await;
    let claims = minted(&reply, "one is named");
    assert_eq!(
        (&claims["aud"], &claims["scope"]),
        (&json!(SHOP), &json!("orders:read"))
    );
    assert_eq!(
        reply.member("scope"),
        "accounts:read openid orders:read",
        "all that is granted"
    );
});
