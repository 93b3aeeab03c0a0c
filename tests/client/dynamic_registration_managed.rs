//! A client that registered itself reads, replaces and removes its registration (RFC 7592); what people agreed to never becomes
//! weaker unseen.

use http::Method;
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_testkit::{PASSWORD, TestReply, World, both_with, front_url, merge, minted, refused};

use crate::client::dynamic_registration::{CALLBACK, Itself, OPEN, asked, notes};

const NOTHING: Value = Value::Null;
const OTHER: &str = "http://localhost:6274/other";

/// The whole registration anew, changed.
pub(super) async fn put(world: &World, client: &Itself, changes: Value) -> TestReply {
    let mut body = asked(json!({ "client_id": client.id() }));
    merge(&mut body, changes);
    client.manage(world, Method::PUT, &body).await
}

both_with!(
    rfc_7592_2_1_a_client_reads_its_registration_by_its_own_token,
    OPEN,
    |world| async {
        let client = Itself::of(&world, json!({})).await;
        let other = Itself::of(&world, json!({})).await;
        let read = client.manage(&world, Method::GET, &NOTHING).await;
        assert_eq!(read.status, 200, "{}", read.text());
        assert_eq!(read.header("cache-control"), Some("no-store"));
        assert_eq!(
            read.json(),
            client.answer,
            "public: nothing is said once alone"
        );
        for wrong in [other.said("registration_access_token"), "x", ""] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                let reply = client.manage_by(&world, wrong, method, &NOTHING).await;
                assert_eq!(
                    reply.refusal(),
                    (401, "invalid_token".to_owned()),
                    "{wrong}"
                );
            }
        }
        let bare = format!("/register/{}", client.id());
        let reply = world.get(&bare, &[]).await;
        assert_eq!(reply.status, 401);
        assert_eq!(
            reply.header("www-authenticate"),
            Some("Bearer realm=\"writ\"")
        );
        let token = format!("Bearer {}", client.said("registration_access_token"));
        let unknown = world
            .get("/register/dyn_nobody", &[("authorization", &token)])
            .await;
        assert_eq!(unknown.refusal(), (401, "invalid_token".to_owned()));
        let post = world.post(&bare, &[], &[("authorization", &token)]).await;
        assert_eq!(post.status, 405);
    }
);

both_with!(
    rfc_7592_2_2_an_update_takes_the_place_of_everything,
    OPEN,
    |world| async {
        let client = Itself::of(&world, json!({ "client_uri": "https://app.example" })).await;
        let reply = put(&world, &client, json!({ "client_name": "Renamed" })).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        assert_eq!(answer["client_name"], json!("Renamed"));
        assert_eq!(answer.get("client_uri"), None, "left out is removed");
        for member in [
            "client_id",
            "client_id_issued_at",
            "registration_access_token",
        ] {
            assert_eq!(answer[member], client.answer[member], "{member}");
        }
        let read = client.manage(&world, Method::GET, &NOTHING).await;
        assert_eq!(read.json(), answer);
        for (changes, code) in [
            (json!({ "client_id": null }), "invalid_client_metadata"),
            (
                json!({ "client_id": "dyn_other" }),
                "invalid_client_metadata",
            ),
            (
                json!({ "registration_access_token": "x" }),
                "invalid_client_metadata",
            ),
            (
                json!({ "registration_client_uri": "x" }),
                "invalid_client_metadata",
            ),
            (
                json!({ "client_secret_expires_at": 0 }),
                "invalid_client_metadata",
            ),
            (
                json!({ "client_id_issued_at": 0 }),
                "invalid_client_metadata",
            ),
            (
                json!({ "client_secret": "mine" }),
                "invalid_client_metadata",
            ),
            (
                json!({ "redirect_uris": ["javascript:alert(1)"] }),
                "invalid_redirect_uri",
            ),
        ] {
            let reply = put(&world, &client, changes.clone()).await;
            refused(&reply, code, &changes.to_string());
        }
        let read = client.manage(&world, Method::GET, &NOTHING).await;
        assert_eq!(read.json(), answer, "a refused update changes nothing");
        let changed = world.events_named("client.changed").await;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].data["by"], json!("registration"));
        let names = json!(["client_name", "client_uri"]);
        assert_eq!(changed[0].data["changed"], names);
    }
);

both_with!(
    rfc_7592_2_2_a_client_never_chooses_its_secret,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, json!({})).await;
        let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let first = put(&world, &client, basic.clone()).await.json();
        let secret = first["client_secret"].as_str().expect("its first secret");
        assert_eq!(first["client_secret_expires_at"], json!(0));
        let mut same = basic.clone();
        same["client_secret"] = json!(secret);
        let kept = put(&world, &client, same.clone()).await.json();
        assert_eq!(kept["client_secret"], json!(secret));
        let silent = put(&world, &client, basic).await.json();
        assert_eq!(silent.get("client_secret"), None, "only its digest is kept");
        same["client_secret"] = json!("another");
        let reply = put(&world, &client, same).await;
        refused(&reply, "invalid_client_metadata", "another secret");
        let now = Itself { answer: first };
        minted(&now.granted(&world).await, "by its secret");
        let before = client.granted(&world).await;
        assert_eq!(
            before.refusal(),
            (400, "invalid_client".to_owned()),
            "no more by its name"
        );
    }
);

both_with!(
    a_change_of_redirect_uris_ends_open_codes_and_open_requests,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, json!({})).await;
        let code = client.code(&world).await;
        let (mut browser, page) = world.consent_page(&front_url(&client.request())).await;
        let reply = put(&world, &client, json!({ "redirect_uris": [OTHER] })).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let redeemed = client.send(&world, &client.redeem_form(&code)).await;
        refused(&redeemed, "invalid_grant", "the code of before");
        let page = browser.submit(&page, "consent-approve", &[]).await;
        assert!(page.query("code").is_none(), "{}", page.url);
        let node = world.node().await;
        let mut browser = node.browser();
        let page = browser.open(&front_url(&client.request())).await;
        assert_eq!(page.reply.status, 400, "another node knows it at once");
        assert!(!page.url.as_str().starts_with(CALLBACK), "{}", page.url);
        let now = Itself {
            answer: reply.json(),
        };
        minted(&now.granted(&world).await, "where it is now");
    }
);

both_with!(
    a_weaker_method_suspends_what_people_agreed_to,
    OPEN,
    |world| async {
        notes(&world).await;
        let strong = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let client = Itself::of(&world, strong).await;
        let first = client.granted(&world).await;
        minted(&first, "agreed");
        let renamed = json!({
            "token_endpoint_auth_method": "client_secret_basic", "client_name": "Renamed"
        });
        assert_eq!(put(&world, &client, renamed).await.status, 200);
        minted(
            &client.refresh(&world, &first).await,
            "a new name suspends nothing",
        );
        let weaker = put(&world, &client, json!({})).await;
        assert_eq!(weaker.status, 200, "{}", weaker.text());
        assert_eq!(world.events_named("task.suspended").await.len(), 1);
        let now = Itself {
            answer: weaker.json(),
        };
        let reply = now.refresh(&world, &first).await;
        refused(&reply, "invalid_grant", "it waits for the person");
    }
);

both_with!(
    rfc_7592_2_3_a_client_that_removes_itself_has_no_grant_any_more,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, json!({})).await;
        let first = client.granted(&world).await;
        minted(&first, "agreed");
        let code = client.code(&world).await;
        let other = Itself::of(&world, json!({})).await;
        let kept = other.granted(&world).await;
        let reply = client.manage(&world, Method::DELETE, &NOTHING).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        assert!(reply.body.is_empty());
        let refreshed = client.refresh(&world, &first).await;
        assert_eq!(refreshed.refusal(), (400, "invalid_client".to_owned()));
        let redeemed = client.send(&world, &client.redeem_form(&code)).await;
        assert_eq!(redeemed.refusal(), (400, "invalid_client".to_owned()));
        let asked = world.browser().open(&front_url(&client.request())).await;
        assert_eq!(asked.reply.status, 400);
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let reply = client.manage(&world, method, &NOTHING).await;
            assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()));
        }
        assert_eq!(world.events_named("task.revoked").await.len(), 2);
        let removed = world.events_named("client.removed").await;
        assert_eq!(removed.len(), 1);
        assert_eq!(removed[0].data["by"], json!("registration"));
        minted(&other.refresh(&world, &kept).await, "nobody else is hurt");
    }
);

both_with!(
    whom_an_operator_stopped_changes_nothing,
    OPEN,
    |world| async {
        let client = Itself::of(&world, json!({})).await;
        let mut transaction = world.begin().await;
        let id = ClientId::from_text(client.id());
        assert!(transaction.stop_client(&id, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let reply = client.manage(&world, method, &NOTHING).await;
            assert_eq!(reply.refusal(), (403, "access_denied".to_owned()));
        }
        world.add_user("alice", PASSWORD).await;
        let page = world.browser().open(&front_url(&client.request())).await;
        assert_eq!(page.reply.status, 400);
    }
);
