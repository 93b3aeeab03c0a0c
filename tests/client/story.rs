//! The whole path by the real agent kit: from the push to a token, a hand over, and a stop.

use serde_json::json;
use writ_testkit::{BANK, Cast, both};

both!(
    /// An agent gets a token for a person, hands a piece on, and everything dies with the task.
    the_first_delegated_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let grant = cast.grant(&world).await;
        let token = grant.access_token.expose();
        let claims = writ_testkit::claims(token);
        assert_eq!(claims["sub"], json!(cast.alice));
        assert_eq!(claims["aud"], json!(BANK));
        assert_eq!(claims["act"]["sub"], json!("agt_planner"));
        assert_eq!(claims["cnf"]["jkt"], json!(cast.planner.dpop.thumbprint()));
        assert_eq!(cast.introspect(&world, token).await["active"], json!(true));

        let assertion = cast.booker.actor_assertion(&world, "agt_planner");
        let form = cast.exchange_form(token, Some(&assertion));
        let handed = cast.planner.send(&world, "/token", &form).await;
        assert_eq!(handed.status, 200, "{}", handed.text());
        let below = handed.claims();
        assert_eq!(below["act"]["sub"], json!("agt_booker"));
        assert_eq!(below["act"]["act"]["sub"], json!("agt_planner"));
        assert_eq!(below["cnf"]["jkt"], json!(cast.booker.dpop.thumbprint()));
        assert_eq!(cast.introspect(&world, &handed.access_token()).await["active"], json!(true));

        let mut browser = world.browser();
        let page = browser.open("/app/agents").await;
        let page = browser.log_in(&page, "alice", writ_testkit::PASSWORD).await;
        let page = browser.submit(&page, "task-stop", &[]).await;
        assert_eq!(page.reply.status, 200);
        for token in [token, &handed.access_token()] {
            assert_eq!(cast.introspect(&world, token).await, json!({ "active": false }));
        }
        assert!(world.event_names().await.contains(&"task.revoked".to_owned()));
    }
);
