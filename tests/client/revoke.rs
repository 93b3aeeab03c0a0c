//! Revocation (RFC 7009): a client ends what its own token stands for, and nobody else's.

use std::collections::BTreeSet;

use serde_json::json;
use writ_core::id::TaskId;
use writ_testkit::{
    BANK, Cast, Fields, Ready, TestAgent, TestReply, World, at_once, basic, both, enrol_plain,
    minted, plain_file, refused, with,
};

use crate::laws::races::{RACERS, doors_of};

async fn revoke(world: &World, who: &TestAgent, token: &str) -> TestReply {
    let form = vec![("token", token.to_owned())];
    who.send_with(world, "/revoke", &form, &[]).await
}

#[track_caller]
fn done(reply: &TestReply, what: &str) {
    assert_eq!((reply.status, reply.text().as_str()), (200, ""), "{what}");
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{what}");
}

async fn is_active(world: &World, cast: &Cast, token: &str) -> bool {
    cast.introspect(world, token).await["active"] == json!(true)
}

async fn grant(world: &World, cast: &Cast) -> TestReply {
    let request = cast.request();
    cast.granted(world, &cast.planner, &request, BANK).await
}

/// A refresh of the planner's, of this scope alone: a row of its own below the grant.
fn refresh_form(grant: &TestReply) -> Fields {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", grant.member("refresh_token")),
    ]
}

async fn is_stopped(world: &World, token: &TestReply) -> bool {
    let id = token.claims()["mission"]["id"].as_str().unwrap().to_owned();
    let task = world.begin().await.task(&TaskId::from_text(id)).await;
    task.unwrap().unwrap().stopped_at.is_some()
}

both!(
    /// RFC 7009 section 2.1: with a refresh token everything ends that is based on the same grant: access tokens, what was handed
    /// over, and the task that the person sees.
    rfc_7009_2_1_a_refresh_token_ends_its_grant,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let other = grant(&world, &cast).await;
        let handed = cast
            .hand(&world, &cast.planner, &first.access_token(), &cast.booker)
            .await;
        minted(&handed, "handed over");
        let refresh = first.member("refresh_token");
        done(&revoke(&world, &cast.planner, &refresh).await, "revoked");
        for token in [first.access_token(), handed.access_token()] {
            let heard = cast.introspect(&world, &token).await;
            assert_eq!(heard, json!({ "active": false }), "at once");
        }
        let form = refresh_form(&first);
        let again = cast.planner.send(&world, "/token", &form).await;
        refused(&again, "invalid_grant", "the grant is over");
        assert!(is_stopped(&world, &first).await);
        assert!(!is_stopped(&world, &other).await, "another grant");
        assert!(is_active(&world, &cast, &other.access_token()).await);

        let revoked = world.events_named("token.revoked").await;
        assert_eq!(revoked.len(), 1);
        assert_eq!(revoked[0].data["token"], "refresh_token");
        assert_eq!(revoked[0].data["ended"], "task");
        assert_eq!(revoked[0].client.as_deref(), Some("agt_planner"));
        assert_eq!(revoked[0].subject.as_deref(), Some(cast.alice.as_str()));
        let stopped = world.events_named("task.revoked").await;
        assert_eq!(stopped.len(), 1);
        assert_eq!(stopped[0].data["by"], "client");
        let text = world.app.metrics.render();
        let counted = "writ_tokens_revoked_total{token=\"refresh_token\"} 1";
        assert!(text.contains(counted), "{text}");

        done(&revoke(&world, &cast.planner, &refresh).await, "again");
        assert_eq!(world.events_named("token.revoked").await.len(), 1);
        assert_eq!(world.events_named("task.revoked").await.len(), 1);
    }
);

both!(
    /// RFC 7009 section 2.1: an access token that was narrowed from a grant ends alone; the grant's own ends the grant.
    rfc_7009_2_1_an_access_token_ends_its_own_row,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let less = with(&refresh_form(&first), "authorization_details", "[]");
        let narrow = cast.planner.send(&world, "/token", &less).await;
        minted(&narrow, "narrowed");
        let below = cast
            .hand(&world, &cast.planner, &narrow.access_token(), &cast.booker)
            .await;
        minted(&below, "below the narrow one");
        done(
            &revoke(&world, &cast.planner, &narrow.access_token()).await,
            "the narrow one",
        );
        for token in [narrow.access_token(), below.access_token()] {
            assert!(!is_active(&world, &cast, &token).await);
        }
        assert!(is_active(&world, &cast, &first.access_token()).await);
        assert!(!is_stopped(&world, &first).await);
        let stopped = world.events_named("delegation.stopped").await;
        assert_eq!(stopped.len(), 1);
        assert_eq!(stopped[0].data["by"], "client");

        let token = first.access_token();
        done(&revoke(&world, &cast.planner, &token).await, "the grant's");
        assert!(!is_active(&world, &cast, &token).await);
        assert!(is_stopped(&world, &first).await);
        let reply = cast.planner.send(&world, "/token", &refresh_form(&first)).await;
        refused(&reply, "invalid_grant", "the grant is over");
        let revoked = world.events_named("token.revoked").await;
        let ended: BTreeSet<&str> = revoked
            .iter()
            .map(|event| event.data["ended"].as_str().unwrap())
            .collect();
        assert_eq!(ended, ["delegation", "task"].into());
    }
);

both!(
    /// Whoever was handed a part ends that part; whoever handed it on goes on.
    a_part_that_was_handed_over_ends_alone,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let part = handed.access_token();
        done(&revoke(&world, &cast.booker, &part).await, "its own");
        assert!(!is_active(&world, &cast, &part).await);
        assert!(is_active(&world, &cast, &token).await);
    }
);

both!(
    /// RFC 7009 section 2.1: a token of another client is not revoked, and nothing tells whether it lives; it is on record.
    rfc_7009_2_1_a_token_of_another_client_stays,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let token = first.access_token();
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let tokens = [
            (&cast.booker, first.member("refresh_token")),
            (&cast.booker, token.clone()),
            // Neither does whoever handed it on present it.
            (&cast.planner, handed.access_token()),
        ];
        for (who, foreign) in &tokens {
            done(&revoke(&world, who, foreign).await, "looks the same");
        }
        for token in [token, handed.access_token()] {
            assert!(is_active(&world, &cast, &token).await);
        }
        assert_eq!(world.events_named("token.revoked").await.len(), 0);
        let refusals = world.events_named("request.refused").await;
        assert_eq!(refusals.len(), tokens.len());
        for refusal in refusals {
            assert_eq!(refusal.data["endpoint"], "/revoke");
            assert_eq!(refusal.decision.as_deref(), Some("deny"));
        }
    }
);

both!(
    /// RFC 7009 section 2.2: what is unknown, expired or no token at all is 200 too, and changes nothing.
    rfc_7009_2_2_an_invalid_token_is_no_error,
    |world| async {
        let cast = Cast::of(&world).await;
        let old = grant(&world, &cast).await;
        world.advance(301);
        let new = grant(&world, &cast).await;
        let tampered = format!("{}x", new.access_token());
        let tokens = [
            "x".to_owned(),
            old.access_token(),
            tampered,
            world.resigned(&new.access_token(), |c| c["act"]["dlg"] = json!("dlg_x")).await,
        ];
        for token in tokens {
            done(&revoke(&world, &cast.planner, &token).await, &token);
        }
        assert!(is_active(&world, &cast, &new.access_token()).await);
        let reply = cast.planner.send(&world, "/token", &refresh_form(&old)).await;
        minted(&reply, "the old grant lives");
        assert_eq!(world.events_named("token.revoked").await.len(), 0);
        assert_eq!(world.events_named("request.refused").await.len(), 0);
    }
);

both!(
    /// RFC 7009 section 2.1: a wrong or unknown hint changes nothing.
    rfc_7009_2_1_the_hint_is_only_a_hint,
    |world| async {
        let cast = Cast::of(&world).await;
        for (kind, hint) in [
            ("refresh_token", "access_token"),
            ("access_token", "refresh_token"),
            ("refresh_token", "nonsense"),
            ("access_token", "pushed_request"),
        ] {
            let reply = grant(&world, &cast).await;
            let form = vec![
                ("token", reply.member(kind)),
                ("token_type_hint", hint.to_owned()),
                ("other", "x".to_owned()),
            ];
            let answer = cast.planner.send_with(&world, "/revoke", &form, &[]).await;
            done(&answer, hint);
            assert!(!is_active(&world, &cast, &reply.access_token()).await, "{hint}");
        }
    }
);

both!(
    /// RFC 7009 section 2.1 and section 5: a public client comes with its own token and its `client_id`; of one that is bound to a
    /// key no proof is asked, because whoever lost the key must be able to end the grant.
    rfc_7009_2_1_a_public_client_revokes_its_own,
    |world| async {
        let cast = Cast::of(&world).await;
        let app = enrol_plain(&world, plain_file("app")).await;
        let other = enrol_plain(&world, plain_file("other")).await;
        let first = app.granted(&world, &cast, Some(&app.dpop)).await;
        let form = vec![("token", first.member("refresh_token"))];
        done(&other.send_by(&world, "/revoke", &form, None).await, "another's");
        assert!(is_active(&world, &cast, &first.access_token()).await);
        done(&app.send_by(&world, "/revoke", &form, None).await, "its own");
        assert!(!is_active(&world, &cast, &first.access_token()).await);
        let reply = app.send(&world, "/token", &refresh_form(&first)).await;
        refused(&reply, "invalid_grant", "the grant is over");
    }
);

both!(
    /// A client that signs its user out with the token that was rotated away ends the grant all the same.
    a_rotated_refresh_token_ends_its_grant,
    |world| async {
        let cast = Cast::of(&world).await;
        let app = enrol_plain(&world, plain_file("app")).await;
        let first = app.granted(&world, &cast, Some(&app.dpop)).await;
        let second = app.send(&world, "/token", &refresh_form(&first)).await;
        minted(&second, "rotated");
        let form = vec![("token", first.member("refresh_token"))];
        done(&app.send_by(&world, "/revoke", &form, None).await, "the old one");
        assert!(!is_active(&world, &cast, &second.access_token()).await);
    }
);

both!(
    /// RFC 7009 section 2.1: the client is authenticated first, whatever the token.
    rfc_7009_2_1_without_authentication_nothing_is_revoked,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let token = first.member("refresh_token");
        let wrong = basic("bank-api", "wrong");
        let bearer = format!("Bearer {}", first.access_token());
        for headers in [vec![("authorization", wrong.as_str())], vec![("authorization", &bearer)]] {
            let reply = world.post("/revoke", &[("token", &token)], &headers).await;
            assert_eq!(reply.refusal(), (401, "invalid_client".to_owned()));
        }
        let by_name = [("token", token.as_str()), ("client_id", "agt_planner")];
        for form in [&by_name[..1], &by_name[..]] {
            let reply = world.post("/revoke", form, &[]).await;
            assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()), "{form:?}");
        }
        assert!(is_active(&world, &cast, &first.access_token()).await);
        let form = vec![("token", token)];
        let signed = cast.planner.signed(&world, &form);
        let pairs: Vec<(&str, &str)> =
            signed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        done(&world.post("/revoke", &pairs, &[]).await, "the assertion");
        let again = world.post("/revoke", &pairs, &[]).await;
        assert_eq!(again.refusal(), (400, "invalid_client".to_owned()), "is good once");
    }
);

both!(
    /// RFC 7009 section 2.1: a form by POST, each parameter once (RFC 6749 section 3.2).
    rfc_7009_2_1_post_form_only,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let token = first.access_token();
        let forms: [Fields; 4] = [
            vec![],
            vec![("token", String::new())],
            vec![("token", token.clone()), ("token", token.clone())],
            vec![
                ("token", token.clone()),
                ("token_type_hint", "access_token".to_owned()),
                ("token_type_hint", "access_token".to_owned()),
            ],
        ];
        for form in forms {
            let reply = cast.planner.send_with(&world, "/revoke", &form, &[]).await;
            assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{form:?}");
        }
        let get = world.get(&format!("/revoke?token={token}"), &[]).await;
        assert_eq!(get.status, 405);
        let as_json = [("content-type", "application/json")];
        let body = json!({ "token": token }).to_string().into_bytes();
        let reply = world.send(http::Method::POST, "/revoke", &as_json, body).await;
        assert_eq!(reply.refusal(), (415, "invalid_request".to_owned()));
        assert!(is_active(&world, &cast, &token).await);
    }
);

both!(
    /// RFC 7009 section 2 and RFC 8414 section 2: the metadata name the endpoint and how clients authenticate there.
    rfc_7009_2_the_metadata_name_the_endpoint,
    |world| async {
        let found = world.get("/.well-known/oauth-authorization-server", &[]).await.json();
        let endpoint = found["revocation_endpoint"].as_str().unwrap();
        assert!(endpoint.ends_with("/revoke"));
        for list in ["auth_methods_supported", "auth_signing_alg_values_supported"] {
            assert_eq!(
                found[format!("revocation_endpoint_{list}")],
                found[format!("token_endpoint_{list}")]
            );
        }
    }
);

both!(
    /// Fifty at once over two nodes: all are answered, one ends the grant.
    one_end_of_a_grant,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let form = vec![("token", first.member("refresh_token"))];
        let doors = doors_of(&world).await;
        let all: Vec<Ready> = (0..RACERS)
            .map(|_| cast.planner.ready(&world, "/revoke", &form))
            .collect();
        let racers = all.into_iter().enumerate().map(|(place, ready)| {
            let door = doors[place % doors.len()].clone();
            async move { door.send(&ready).await }
        });
        for reply in at_once(racers.collect()).await {
            done(&reply, "each");
        }
        assert_eq!(world.events_named("token.revoked").await.len(), 1);
        assert_eq!(world.events_named("task.revoked").await.len(), 1);
        assert!(!is_active(&world, &cast, &first.access_token()).await);
    }
);
