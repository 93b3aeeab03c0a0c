//! However many come at once, over two nodes: an answer signs in once, and an account at a provider is one person.

use serde_json::json;
use writ_testkit::{at_once, both_upstream};

use crate::laws::races::RACERS;

both_upstream!(
    one_answer_that_comes_fifty_times_signs_in_once,
    [("ANYONE", "true")],
    |world, acme| async {
        let node = world.node().await;
        let mut browser = world.browser();
        let login = browser.open("/login").await;
        let asked = browser.to_provider(&login, "acme").await;
        let back = acme.answer(&asked, &acme.claims(&world, &asked));
        let racers = (0..RACERS).map(|place| {
            let mut racer = match place % 2 {
                0 => world.browser(),
                _ => node.browser(),
            };
            racer.cookies = browser.cookies.clone();
            let back = back.clone();
            async move { racer.open(&back).await.url.path() == "/app" }
        });
        let entered = at_once(racers.collect()).await;
        assert_eq!(entered.iter().filter(|entered| **entered).count(), 1);
        assert_eq!(acme.redeemed(), 1, "the provider is asked once");
        assert_eq!(world.events_named("login.succeeded").await.len(), 1);
    }
);

both_upstream!(
    somebody_who_comes_first_in_many_browsers_is_one_person,
    [("ANYONE", "true")],
    |world, acme| async {
        let node = world.node().await;
        let mut racers = Vec::new();
        for place in 0..10 {
            let mut browser = match place % 2 {
                0 => world.browser(),
                _ => node.browser(),
            };
            let login = browser.open("/login").await;
            let asked = browser.to_provider(&login, "acme").await;
            let back = acme.answer(&asked, &acme.claims(&world, &asked));
            racers.push(async move {
                let page = browser.open(&back).await;
                assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
            });
        }
        at_once(racers).await;
        let added = world.events_named("user.added").await;
        assert_eq!(added.len(), 1);
        assert_eq!(added[0].data["name"], json!("noor@acme"));
        let entered = world.events_named("login.succeeded").await;
        assert_eq!(entered.len(), 10);
        assert!(
            entered
                .iter()
                .all(|event| event.subject == added[0].subject)
        );
    }
);
