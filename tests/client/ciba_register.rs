//! What a client registers for CIBA (CIBA 4, FAPI-CIBA 5.2.2), and what that changes for its requests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use writ_core::pending::State;
use writ_jose::seal::SealedFor;
use writ_server::node::failure::Failure;
use writ_testkit::{Cast, Change, TestAgent, both, enrol_plain, refused};

use crate::client::ciba::{question_of_web, web_file};

both!(
    fapi_ciba_5_2_2_a_fapi2_client_names_what_it_asks_and_is_never_pushed_to,
    |world| async {
        Cast::of(&world).await;
        let key = writ_testkit::Forge::new(&world.random);
        let mut file = web_file(json!({
            "client_id": "fapi", "profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key.jwk()] }
        }));
        world.add_client(file.clone()).await;
        let client = TestAgent {
            id: "fapi".to_owned(),
            assertion: key.clone(),
            dpop: key,
        };
        let bare = question_of_web().without("binding_message");
        let reply = client.ask(&world, &bare).await;
        refused(
            &reply,
            "invalid_binding_message",
            "nothing to recognise it by",
        );
        client.asked(&world, &question_of_web()).await;
        file["client_id"] = json!("fapi-push");
        file["backchannel_token_delivery_mode"] = json!("push");
        file["backchannel_client_notification_endpoint"] = json!("https://web.example/cb");
        let refused = world.try_add_client(file).await.unwrap_err();
        assert!(refused.contains("never pushed"), "{refused}");
    }
);

both!(
    ciba_4_what_a_client_registers_fits_together,
    |world| async {
        Cast::of(&world).await;
        let endpoint = "https://web.example/cb";
        let rows = [
            (
                json!({ "backchannel_token_delivery_mode": "ping" }),
                "missing",
            ),
            (
                json!({ "backchannel_client_notification_endpoint": endpoint }),
                "belongs to",
            ),
            (
                json!({ "backchannel_token_delivery_mode": "ping",
                    "backchannel_client_notification_endpoint": "http://web.example/cb" }),
                "https",
            ),
            (
                json!({ "backchannel_token_delivery_mode": "poll", "grant_types": [] }),
                "grant type",
            ),
            (
                json!({ "may_ask": ["alice"], "grant_types": [] }),
                "grant type",
            ),
            (json!({ "may_ask": ["no name"] }), "no person's name"),
            (json!({ "may_ask": vec!["alice"; 65] }), "more than 64"),
            (
                json!({ "backchannel_authentication_request_signing_alg": "ES256" }),
                "private_key_jwt",
            ),
        ];
        for (changes, expected) in rows {
            let refused = world.try_add_client(web_file(changes.clone())).await;
            let refused = refused.unwrap_err();
            assert!(refused.contains(expected), "{changes}: {refused}");
        }
        for good in [endpoint, "http://127.0.0.1:8080/cb"] {
            let file = web_file(json!({
                "client_id": format!("ping-{}", good.len()),
                "backchannel_token_delivery_mode": "ping",
                "backchannel_client_notification_endpoint": good
            }));
            world.add_client(file).await;
        }
    }
);

both!(
    ciba_7_1_a_ping_client_sends_its_token_and_it_is_kept_sealed,
    |world| async {
        Cast::of(&world).await;
        let file = web_file(json!({
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": "https://web.example/cb"
        }));
        let web = enrol_plain(&world, file).await;
        let bare = web
            .send_by(&world, "/bc-authorize", &question_of_web(), None)
            .await;
        refused(&bare, "invalid_request", "no client_notification_token");
        let token = "n".repeat(40);
        let form = question_of_web().with("client_notification_token", token.as_str());
        let reply = web.send_by(&world, "/bc-authorize", &form, None).await;
        let id = reply.member("auth_req_id");
        let request = world.waiting(&id).await;
        let sealed = world.begin().await.pending_sealed(&request.id).await;
        let sealed = sealed.unwrap().unwrap();
        assert!(!sealed.contains(&token) && !sealed.contains(&id));
        let open = writ_server::approvals::secret::open_secrets(&world.app, &request.id, &sealed);
        let open = open.ok().unwrap();
        assert_eq!(
            (open.auth_req_id, open.client_notification_token),
            (id, token)
        );
        assert_eq!(request.state(), State::Pending);
        let other = world.app.random.identifier();
        let other = writ_core::id::ApprovalId::from_text(other);
        assert!(writ_server::approvals::secret::open_secrets(&world.app, &other, &sealed).is_err());
    }
);

both!(what_does_not_open_is_not_quoted, |world| async {
    let id = writ_core::id::ApprovalId::from_text("apr_1");
    let place = format!("pending-request default {id}");
    let master = &world.app.config.master;
    let sealed = master.seal(SealedFor::Storage, place.as_bytes(), b"\"hush\"");
    let sealed = URL_SAFE_NO_PAD.encode(sealed.unwrap());
    let opened = writ_server::approvals::secret::open_secrets(&world.app, &id, &sealed);
    let Err(Failure::Broken(logged)) = opened else {
        panic!("what was sealed are no secrets of a request");
    };
    assert!(logged.contains(&place), "{logged}");
    assert!(!logged.contains("hush"), "{logged}");
});
