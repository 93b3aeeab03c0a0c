//! Wrong passwords are counted for everybody together: over two nodes, over a restart, and at the same moment, for names that
//! exist and names that do not.

use writ_testkit::{Cast, Node, PASSWORD, TestBrowser, WebPage, World, at_once, both};

use crate::laws::races::RACERS;

async fn try_login(mut browser: TestBrowser, username: &str, password: &str) -> u16 {
    let page: WebPage = browser.open("/login").await;
    let page = browser.log_in(&page, username, password).await;
    if page.url.path() == "/app" {
        return 303;
    }
    page.reply.status
}

fn of_either(world: &World, node: &Node, place: usize) -> TestBrowser {
    if place.is_multiple_of(2) {
        world.browser()
    } else {
        node.browser()
    }
}

async fn restarted(world: &World) -> TestBrowser {
    world.node().await.browser()
}

both!(
    a_pause_is_the_same_on_every_node_and_after_a_restart,
    |world| async {
        Cast::of(&world).await;
        for name in ["alice", "zelda"] {
            let node = world.node().await;
            for round in 0..5 {
                let browser = of_either(&world, &node, round);
                assert_eq!(
                    try_login(browser, name, "wrong").await,
                    422,
                    "{name} {round}"
                );
            }
            assert_eq!(
                try_login(world.browser(), name, PASSWORD).await,
                429,
                "{name}"
            );
            assert_eq!(
                try_login(node.browser(), name, PASSWORD).await,
                429,
                "{name}"
            );
            assert_eq!(
                try_login(restarted(&world).await, name, PASSWORD).await,
                429
            );
        }
        world.advance(60);
        assert_eq!(
            try_login(restarted(&world).await, "alice", PASSWORD).await,
            303
        );
        assert_eq!(
            try_login(restarted(&world).await, "zelda", PASSWORD).await,
            422
        );
        assert_eq!(try_login(world.browser(), "zelda", PASSWORD).await, 429);
    }
);

/// Fifty at once, five are looked at. Busy is no answer about the password, and counts nothing.
async fn race(world: &World, name: &'static str) {
    let node = world.node().await;
    let mut forms = Vec::new();
    for place in 0..RACERS {
        let mut browser = of_either(world, &node, place);
        let page = browser.open("/login").await;
        forms.push((browser, page));
    }
    let racers = forms.into_iter().map(|(mut browser, page)| async move {
        browser.log_in(&page, name, "wrong").await.reply.status
    });
    let statuses = at_once(racers.collect()).await;
    let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
    assert!(count(422) <= 5, "{statuses:?}");
    assert_eq!(count(422) + count(429) + count(503), RACERS, "{statuses:?}");
    // Those that were too many for the pool may be tried; all the others were.
    let mut wrong = count(422);
    while try_login(world.browser(), name, "wrong").await == 422 {
        wrong += 1;
    }
    assert_eq!(wrong, 5, "{statuses:?}");
}

both!(
    rfc_9700_fifty_guesses_at_once_are_five_for_a_name_that_exists,
    |world| async {
        Cast::of(&world).await;
        race(&world, "alice").await;
        assert_eq!(world.events_named("login.failed").await.len(), 5);
    }
);

both!(
    rfc_9700_fifty_guesses_at_once_are_five_for_a_name_that_does_not,
    |world| async {
        Cast::of(&world).await;
        race(&world, "zelda").await;
        assert!(world.events_named("login.failed").await.is_empty());
    }
);
