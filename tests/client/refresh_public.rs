//! Refresh of plain clients: a public client's token is rotated and bound to its key (OAuth 2.1 4.3, RFC 9449
//! section 5); bearer only where it was bearer from the start.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Fields, Forge, Plain, TestReply, World, both, enrol_plain, minted, plain_file,
    refused, with,
};
use writ_wire::token::GrantType;

fn form(reply: &TestReply) -> Fields {
    vec![
        ("grant_type", GrantType::RefreshToken.as_str().to_owned()),
        ("refresh_token", reply.member("refresh_token")),
    ]
}

/// A public client and its first answer, bound to its key.
async fn public(world: &World, cast: &Cast) -> (Plain, TestReply) {
    let app = enrol_plain(world, plain_file("app")).await;
    let first = app.granted(world, cast, Some(&app.dpop)).await;
    (app, first)
}

both!(
    /// OAuth 2.1 4.3.1: a public client's refresh token is rotated, and its tokens have no `act`.
    oauth21_4_3_1_a_public_clients_refresh_token_is_rotated,
    |world| async {
        let cast = Cast::of(&world).await;
        let (app, first) = public(&world, &cast).await;
        let mut last = first.clone();
        for _ in 0..3 {
            let next = app.send(&world, "/token", &form(&last)).await;
            let claims = minted(&next, "rotated");
            assert_ne!(next.member("refresh_token"), last.member("refresh_token"));
            assert_eq!(claims["cnf"]["jkt"], app.dpop.thumbprint());
            assert_eq!((claims.get("act"), claims.get("mission")), (None, None));
            assert_eq!(claims["sub"], json!(cast.alice));
            last = next;
        }
    }
);

both!(
    /// RFC 9449 section 5: bound to the key: a wrong key is `invalid_grant`, none is `invalid_request`; neither consumes it.
    rfc_9449_5_a_public_clients_refresh_token_is_bound_to_its_key,
    |world| async {
        let cast = Cast::of(&world).await;
        let (app, first) = public(&world, &cast).await;
        let form = form(&first);
        let wrong = app
            .send_by(&world, "/token", &form, Some(&Forge::new(&world.random)))
            .await;
        refused(&wrong, "invalid_grant", "a wrong key");
        refused(
            &app.send_by(&world, "/token", &form, None).await,
            "invalid_request",
            "no proof",
        );
        let other = enrol_plain(&world, plain_file("other")).await;
        refused(
            &other.send(&world, "/token", &form).await,
            "invalid_grant",
            "another client",
        );
        refused(
            &other
                .send_by(&world, "/token", &form, Some(&app.dpop))
                .await,
            "invalid_grant",
            "with the key",
        );
        minted(&app.send(&world, "/token", &form).await, "the right key");
    }
);

both!(
    /// The loser of a race with the same key is refused, and nothing is stopped; a wrong scope does not consume it either.
    /// Who comes later with an answer lost: `refresh_twin.rs`.
    the_loser_of_a_race_stops_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let (app, first) = public(&world, &cast).await;
        let wide = with(&form(&first), "scope", "accounts:write");
        refused(
            &app.send(&world, "/token", &wide).await,
            "invalid_scope",
            "wider",
        );
        let winner = app.send(&world, "/token", &form(&first)).await;
        minted(&winner, "the winner");
        for _ in 0..3 {
            refused(
                &app.send(&world, "/token", &form(&first)).await,
                "invalid_grant",
                "the loser",
            );
        }
        assert_eq!(
            cast.introspect(&world, &winner.access_token()).await["active"],
            true
        );
        minted(
            &app.send(&world, "/token", &form(&winner)).await,
            "the winner goes on",
        );
        assert!(
            !world
                .event_names()
                .await
                .contains(&"task.revoked".to_owned())
        );
    }
);

both!(
    /// Reuse once the next one was seen stops the family: the newest refresh token and every access token die.
    later_reuse_stops_the_family,
    |world| async {
        let cast = Cast::of(&world).await;
        let (app, first) = public(&world, &cast).await;
        let second = app.send(&world, "/token", &form(&first)).await;
        minted(&second, "rotated");
        world.advance(11);
        // A thief without the key stops nothing.
        let thief = Forge::new(&world.random);
        refused(
            &app.send_by(&world, "/token", &form(&first), Some(&thief))
                .await,
            "invalid_grant",
            "a thief",
        );
        assert_eq!(
            cast.introspect(&world, &second.access_token()).await["active"],
            true
        );
        world.advance(1);
        refused(
            &app.send(&world, "/token", &form(&first)).await,
            "invalid_grant",
            "reuse",
        );
        for reply in [&first, &second] {
            let answer = cast.introspect(&world, &reply.access_token()).await;
            assert_eq!(answer, json!({ "active": false }));
        }
        refused(
            &app.send(&world, "/token", &form(&second)).await,
            "invalid_grant",
            "the newest one",
        );
        let events = world.events().await;
        let stopped: Vec<_> = events
            .iter()
            .filter(|e| e.name == "task.revoked")
            .collect();
        assert_eq!(stopped.len(), 1);
        assert_eq!(stopped[0].subject.as_deref(), Some(cast.alice.as_str()));
        // A new grant is not touched.
        minted(
            &app.granted(&world, &cast, Some(&app.dpop)).await,
            "a new consent",
        );
    }
);

both!(
    /// What was bound once never yields bearer; bearer is a permission, and stays what it was.
    bound_once_is_bound_for_ever,
    |world| async {
        let cast = Cast::of(&world).await;
        for (id, method) in [("app", "none"), ("web", "client_secret_basic")] {
            let mut file = plain_file(id);
            file["bearer"] = json!(true);
            file["token_endpoint_auth_method"] = json!(method);
            let client = enrol_plain(&world, file).await;
            let bound = client.granted(&world, &cast, Some(&client.dpop)).await;
            assert_eq!(bound.member("token_type"), "DPoP");
            let reply = client.send_by(&world, "/token", &form(&bound), None).await;
            refused(&reply, "invalid_request", id);
            let again = client.send(&world, "/token", &form(&bound)).await;
            assert_eq!(minted(&again, id)["cnf"]["jkt"], client.dpop.thumbprint());

            let bearer = client.granted(&world, &cast, None).await;
            assert_eq!(bearer.member("token_type"), "Bearer");
            assert_eq!(bearer.claims().get("cnf"), None);
            let next = client.send_by(&world, "/token", &form(&bearer), None).await;
            assert_eq!(minted(&next, id).get("cnf"), None);
            assert_eq!(next.member("token_type"), "Bearer");
        }
    }
);

both!(
    /// A confidential client's refresh token is bound to the client and not rotated, whichever of its keys proves.
    a_confidential_clients_refresh_token_is_not_rotated,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut file = plain_file("web");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web = enrol_plain(&world, file).await;
        let first = web.granted(&world, &cast, Some(&web.dpop)).await;
        let form = with(&form(&first), "resource", BANK);
        for key in [&web.dpop, &Forge::new(&world.random)] {
            let reply = web.send_by(&world, "/token", &form, Some(key)).await;
            assert_eq!(minted(&reply, "refresh")["cnf"]["jkt"], key.thumbprint());
            assert_eq!(reply.json().get("refresh_token"), None);
        }
        let public = Plain {
            secret: None,
            ..web.clone()
        };
        let reply = public.send(&world, "/token", &form).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_client".to_owned()),
            "without its secret"
        );
        let guessed = Plain {
            secret: Some("x".repeat(43)),
            ..web
        };
        let reply = guessed.send(&world, "/token", &form).await;
        assert_eq!(
            reply.refusal(),
            (401, "invalid_client".to_owned()),
            "with another secret"
        );
    }
);
