//! What ends the reading of groups, and with it their roles: a logout, a section that is taken away; and that several nodes read once.

use std::sync::Arc;

use serde_json::json;
use writ_server::background::upstream_groups::{MAX_READ_AT_ONCE, read_due_groups};
use writ_testkit::{TestProvider, at_once, both_upstream, merge};

use super::upstream_logout::log_out;
use super::upstream_roles::{HOUR, are, refreshes_to, roles, sign_in_offline, turn};

both_upstream!(
    a_logout_takes_the_refresh_token_and_leaves_the_roles_a_day,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        sign_in_offline(&world, &acme, json!({ "groups": ["staff"] }), "rt1").await;
        assert_eq!(log_out(&world, &acme, json!({})).await.status, 200);
        refreshes_to(&world, &acme, "rt1", (json!(["staff"]), "rt2"));
        world.advance(18 * HOUR);
        turn(&world).await;
        assert_eq!(acme.refreshed(), 0);
        assert_eq!(roles(&world, "noor@acme").await, are(&["clerk"], &[]));
        // By a button here too.
        world.advance(1);
        let mut browser = world.browser();
        let login = browser.open("/login").await;
        let asked = browser.to_provider(&login, "acme").await;
        let mut claims = acme.claims(&world, &asked);
        merge(&mut claims, json!({ "groups": ["staff"] }));
        let tokens = json!({ "id_token": acme.id_token(&claims), "refresh_token": "rt1" });
        let page = browser.open(&acme.answer_with(&asked, &tokens)).await;
        browser.submit(&page, "logout-submit", &[]).await;
        world.advance(18 * HOUR);
        turn(&world).await;
        assert_eq!(acme.refreshed(), 0);
        world.advance(6 * HOUR);
        turn(&world).await;
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &["clerk"]));
    }
);

both_upstream!(
    a_section_that_is_taken_away_takes_its_roles,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        sign_in_offline(&world, &acme, json!({ "groups": ["staff"] }), "rt1").await;
        let other = TestProvider::start(20_261_203).await;
        let settings = other.settings("acme");
        let settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let node = world.node_with(&settings).await;
        world.advance(1);
        read_due_groups(&node.app).await.unwrap();
        assert_eq!(roles(&world, "noor@acme").await, are(&[], &["clerk"]));
        assert_eq!((acme.refreshed(), other.refreshed()), (0, 0));
    }
);

both_upstream!(
    a_refresh_token_is_used_once_however_many_nodes_look,
    [("ANYONE", "true"), ("ROLES__STAFF", "clerk")],
    |world, acme| async {
        let node = world.node().await;
        let people = MAX_READ_AT_ONCE + 3;
        for place in 0..people {
            let (sub, token) = (format!("p{place}"), format!("rt{place}"));
            let changes = json!({ "sub": sub, "groups": ["staff"] });
            sign_in_offline(&world, &acme, changes, &token).await;
        }
        world.advance(18 * HOUR);
        let turns = (0..6).map(|place| {
            let app: Arc<_> = match place % 2 {
                0 => world.app.clone(),
                _ => node.app.clone(),
            };
            async move { read_due_groups(&app).await.unwrap() }
        });
        at_once(turns.collect()).await;
        turn(&world).await;
        assert_eq!(acme.refreshed(), usize::try_from(people).unwrap());
    }
);
