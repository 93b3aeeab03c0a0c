//! The key of a decision: bound to its client and to everything that was asked, answered again for a short while.

use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_testkit::{
    AskingServer, Cast, SHOP, World, asking_bank, basic, both, permitted, question, reason, run_key,
};

use crate::client::access::{opened, paying};

fn pay(world: &World, cast: &Cast, token: &str, amount: &str) -> Value {
    question(world, &cast.planner, token, paying(amount))
}

both!(
    /// The same question by the same key gets the recorded answer, marked, and nothing is taken again; after 30 seconds no more.
    a_repeated_key_begins_nothing,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let key = run_key(&world);
        let body = pay(&world, &cast, &token, "99.00");
        let first = permitted(&bank.decide(&body, &key).await);
        assert_eq!(first.get("replayed"), None);
        // A fresh proof is no other question, and neither are quotation marks around the key.
        let again = pay(&world, &cast, &token, "99.00");
        for key in [key.clone(), format!("\"{key}\"")] {
            let mut replayed = permitted(&bank.decide(&again, &key).await);
            assert_eq!(replayed["replayed"], true);
            replayed.as_object_mut().unwrap().remove("replayed");
            assert_eq!(replayed, first);
        }
        assert_eq!(world.events_named("decision.permitted").await.len(), 1);
        world.advance(29);
        assert_eq!(permitted(&bank.decide(&body, &key).await)["replayed"], true);
        world.advance(1);
        let late = bank.decide(&body, &key).await;
        assert_eq!(late.refusal(), (409, "idempotency_key_reused".to_owned()));
    }
);

both!(
    /// Another object, token, resource, subject or approval by the same key is refused, and takes nothing.
    a_key_is_bound_to_everything_that_was_asked,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let other_token = cast.token(&world).await;
        let key = run_key(&world);
        let show = |name: &str| {
            let action = ("show_account", json!({ "name": name }));
            question(&world, &cast.planner, &token, action)
        };
        permitted(&bank.decide(&show("Savings"), &key).await);
        let mut changed = vec![
            show("Other"),
            pay(&world, &cast, &token, "99.00"),
            question(
                &world,
                &cast.planner,
                &other_token,
                ("show_account", json!({ "name": "Savings" })),
            ),
        ];
        for (pointer, value) in [
            ("/resource/id", json!("https://x.example")),
            ("/resource/type", json!("tool")),
            ("/subject/id", json!("usr_other")),
            ("/action/name", json!("rename_account")),
            ("/context/approval", json!({ "id": "apr_1" })),
        ] {
            let mut body = show("Savings");
            match body.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => body["context"]["approval"] = value,
            }
            changed.push(body);
        }
        for body in changed {
            let reply = bank.decide(&body, &key).await;
            let refused = (409, "idempotency_key_reused".to_owned());
            assert_eq!(reply.refusal(), refused, "{body}");
        }
        let paid = bank
            .decide(&pay(&world, &cast, &token, "99.00"), &run_key(&world))
            .await;
        permitted(&paid);
    }
);

both!(
    /// Two clients may draw the same key.
    a_key_is_one_clients,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let client = json!({
            "client_id": "other-api", "client_name": "Other", "profile": "oauth21",
            "grant_types": [], "token_endpoint_auth_method": "client_secret_basic"
        });
        let secret = world.add_client(client).await["client_secret"].clone();
        world
            .add_resource(json!({ "resource": SHOP, "name": "Shop", "client_id": "other-api" }))
            .await;
        let other = AskingServer {
            door: world.door(),
            authorization: basic("other-api", secret.as_str().unwrap()),
        };
        let token = cast.token(&world).await;
        let key = run_key(&world);
        let body = pay(&world, &cast, &token, "99.00");
        assert_eq!(reason(&other.decide(&body, &key).await), "token_invalid");
        permitted(&bank.decide(&body, &key).await);
    }
);

both!(
    /// A denial by a key is recorded too: the same key gets the same one, though it would be permitted by now.
    a_denial_of_a_key_stays,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let key = run_key(&world);
        let action = ("rename_account", json!({ "name": "Savings" }));
        let body = question(&world, &cast.planner, &token, action);
        assert_eq!(reason(&bank.decide(&body, &key).await), "not_covered");
        let mut file = asking_bank();
        file["actions"]["rename_account"]["scope"] = json!("accounts:read");
        world.add_resource(file).await;
        world.advance(6);
        let replayed = bank.decide(&body, &key).await;
        assert_eq!(reason(&replayed), "not_covered");
        assert_eq!(replayed.json()["context"]["replayed"], true);
        let action = ("rename_account", json!({ "name": "Savings" }));
        let body = question(&world, &cast.planner, &token, action);
        permitted(&bank.decide(&body, &run_key(&world)).await);
    }
);

both!(a_key_that_is_none_is_refused, |world| async {
    let (cast, bank) = opened(&world).await;
    let token = cast.token(&world).await;
    let body = pay(&world, &cast, &token, "99.00");
    for key in [
        "short",
        "",
        "fifteen_letters",
        &"a".repeat(129),
        "sixteen letters and",
    ] {
        let reply = bank.decide(&body, key).await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_request".to_owned()),
            "{key}"
        );
    }
    let many = [("idempotency-key", "0123456789abcdef"); 2];
    let reply = bank.post("/access/v1/evaluation", &body, &many).await;
    assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
    let one = [("idempotency-key", "0123456789abcdef")];
    let reply = bank.post("/access/v1/evaluations", &body, &one).await;
    assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
});

both!(
    /// A server that an operator stopped decides nothing new, and nothing of what it asked is kept; what was answered is answered again.
    a_stopped_server_decides_nothing_new,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let body = pay(&world, &cast, &token, "60.00");
        let key = run_key(&world);
        permitted(&bank.decide(&body, &key).await);
        let standing = async |stopped: bool| {
            let (id, now) = (ClientId::from_text("bank-api"), world.now());
            let mut transaction = world.begin().await;
            match stopped {
                true => transaction.stop_client(&id, now).await.unwrap(),
                false => transaction.resume_client(&id).await.unwrap(),
            };
            transaction.commit().await.unwrap();
        };
        standing(true).await;
        let decided = world.events_named("decision.permitted").await.len();
        let other = cast.token(&world).await;
        let more = pay(&world, &cast, &other, "60.00");
        for _ in 0..2 {
            let refused = bank.decide(&more, &run_key(&world)).await;
            assert_eq!(refused.refusal(), (400, "unauthorized_client".to_owned()));
        }
        assert_eq!(world.events_named("decision.permitted").await.len(), decided);
        assert_eq!(world.events_named("decision.denied").await.len(), 0);
        assert_eq!(permitted(&bank.decide(&body, &key).await)["replayed"], true);
        standing(false).await;
        permitted(&bank.decide(&more, &run_key(&world)).await);
    }
);
