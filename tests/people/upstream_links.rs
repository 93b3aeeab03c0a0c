//! What a person linked is one account at each provider, which their page shows and takes away, also where the provider's section is gone.

use serde_json::json;
use writ_testkit::{Cast, PASSWORD, both_upstream};

use super::upstream::sign_in_as;
use super::upstream_link::{PATH, alice_at, answered, links};

const SECOND: &str = "already sign in with an account at this service";

both_upstream!(
    a_second_account_at_a_provider_is_refused_where_it_begins_and_where_it_ends,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let (mut browser, _) = alice_at(&world, PATH).await;
        // In two tabs at once.
        let first = answered(&world, &acme, &mut browser, json!({})).await;
        let second = answered(&world, &acme, &mut browser, json!({ "sub": "two" })).await;
        let same = answered(&world, &acme, &mut browser, json!({})).await;
        assert_eq!(browser.open(&first).await.url.path(), PATH);
        let page = browser.open(&second).await;
        assert_eq!(page.reply.status, 422, "{}", page.reply.text());
        page.says(SECOND);
        let page = browser.open(&same).await;
        assert_eq!(page.reply.status, 200, "it is linked already");
        assert_eq!(links(&world).await, 1);
        // The page has no button for it, and a form without one changes nothing.
        let fields = [
            ("csrf", browser.csrf()),
            ("upstream", "acme".to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        let page = browser.post(PATH, &fields).await;
        assert_eq!(page.reply.status, 422, "{}", page.reply.text());
        page.says(SECOND);
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({ "sub": "two" })).await;
        assert_eq!(page.reply.status, 403);
        // Once it is removed there is room for another.
        let page = browser.open(PATH).await;
        browser.submit(&page, "unlink-acme", &[]).await;
        let back = answered(&world, &acme, &mut browser, json!({ "sub": "two" })).await;
        assert_eq!(browser.open(&back).await.reply.status, 200);
        assert_eq!(links(&world).await, 2);
    }
);

both_upstream!(
    a_login_that_is_not_of_now_links_nothing,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let (mut browser, _) = alice_at(&world, PATH).await;
        for at in [json!(null), json!(world.now().seconds() - 61)] {
            let stale = json!({ "auth_time": at });
            let back = answered(&world, &acme, &mut browser, stale).await;
            let page = browser.open(&back).await;
            assert_eq!(page.reply.status, 422, "{at}");
            page.says("a sign-in of this very moment");
        }
        assert_eq!(links(&world).await, 0);
    }
);

both_upstream!(
    a_link_of_a_provider_that_is_no_more_can_be_removed,
    [],
    |world, acme| async {
        Cast::of(&world).await;
        let (mut browser, _) = alice_at(&world, PATH).await;
        let back = answered(&world, &acme, &mut browser, json!({})).await;
        assert_eq!(browser.open(&back).await.url.path(), PATH);
        // The same server without the section.
        let without = world.node_with(&[]).await;
        let mut later = without.browser();
        later.cookies = browser.cookies.clone();
        let settings = later.open("/app/settings").await;
        settings.says("Other ways to sign in");
        let page = later.open(PATH).await;
        page.says(&acme.origin);
        let unlink = format!("unlink-{}", acme.origin);
        world.advance(1);
        let page = later.submit(&page, &unlink, &[]).await;
        assert_eq!(page.reply.status, 200, "{}", page.reply.text());
        page.does_not_say(&acme.origin);
        let settings = later.open("/app/settings").await;
        settings.does_not_say("Other ways to sign in");
        let changed = world.events_named("user.changed").await;
        let removed = &changed.last().unwrap().data;
        assert_eq!(removed["state"], "removed");
        assert_eq!(removed["upstream"], acme.origin);
        // With the section again it signs in nobody.
        let page = sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        assert_eq!(page.reply.status, 403, "{}", page.reply.text());
    }
);
