//! A rotated refresh token that comes again (RFC 9700 section 4.14.2): who lost the answer gets one twin; whatever shows that a second
//! party has it stops the task. One scene for each step of the rule.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Fields, Forge, ISSUER, Plain, Ready, TestReply, World, at_once, authorize_url,
    both, enrol_plain, minted, plain_file, refused, with,
};

use crate::laws::races::{RACERS, doors_of};

fn form(reply: &TestReply) -> Fields {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", reply.member("refresh_token")),
    ]
}

/// A public client with a key, or by permission without one, and its first answer.
struct Scene {
    cast: Cast,
    app: Plain,
    key: Option<Forge>,
    first: TestReply,
}

impl Scene {
    async fn with_key(world: &World) -> Self {
        let cast = Cast::of(world).await;
        let app = enrol_plain(world, plain_file("app")).await;
        let key = Some(app.dpop.clone());
        Self::granted(world, cast, app, key).await
    }

    async fn without_key(world: &World) -> Self {
        let cast = Cast::of(world).await;
        let mut file = plain_file("app");
        file["bearer"] = json!(true);
        let app = enrol_plain(world, file).await;
        Self::granted(world, cast, app, None).await
    }

    async fn granted(world: &World, cast: Cast, app: Plain, key: Option<Forge>) -> Self {
        let first = app.granted(world, &cast, key.as_ref()).await;
        Self {
            cast,
            app,
            key,
            first,
        }
    }

    /// A second later than whatever came before.
    async fn refresh(&self, world: &World, with: &TestReply) -> TestReply {
        world.advance(1);
        let key = self.key.as_ref();
        self.app.send_by(world, "/token", &form(with), key).await
    }

    async fn refreshed(&self, world: &World, with: &TestReply) -> TestReply {
        let reply = self.refresh(world, with).await;
        minted(&reply, "refreshed");
        reply
    }

    async fn is_active(&self, world: &World, reply: &TestReply) -> bool {
        let heard = self.cast.introspect(world, &reply.access_token()).await;
        heard["active"] == json!(true)
    }

    /// Nothing was stopped, and of these answers only the last one goes on.
    async fn goes_on(&self, world: &World, last: &TestReply) {
        assert_eq!(world.events_named("task.revoked").await.len(), 0);
        assert!(self.is_active(world, last).await);
        self.refreshed(world, last).await;
    }

    /// The refusal of a theft: everything is over, and it is on record once.
    async fn is_over(&self, world: &World, theft: &TestReply, given: &[&TestReply]) {
        refused(theft, "invalid_grant", "theft");
        for reply in given {
            assert!(!self.is_active(world, reply).await);
            let reply = self.refresh(world, reply).await;
            refused(&reply, "invalid_grant", "all of the family");
        }
        let stopped = world.events_named("task.revoked").await;
        assert_eq!(stopped.len(), 1);
        assert_eq!(stopped[0].data["by"], "server");
        assert_eq!(
            stopped[0].data["because"],
            "the refresh token was used twice"
        );
        assert_eq!(
            stopped[0].subject.as_deref(),
            Some(self.cast.alice.as_str())
        );
    }

    fn ready(&self, world: &World, with: &TestReply) -> Ready {
        let url = format!("{ISSUER}/token");
        let ready = Ready::new("/token", &form(with)).parameter("client_id", &self.app.id);
        match &self.key {
            Some(key) => ready.header("dpop", &key.proof("POST", &url, world.now().seconds())),
            None => ready,
        }
    }
}

both!(
    /// With the same key, however late: the twin works, the lost successor and its access token are dead.
    a_lost_answer_gets_one_twin,
    |world| async {
        let scene = Scene::with_key(&world).await;
        let lost = scene.refreshed(&world, &scene.first).await;
        world.advance(600);
        let twin = scene.refreshed(&world, &scene.first).await;
        assert_ne!(twin.member("refresh_token"), lost.member("refresh_token"));
        assert_eq!(twin.claims()["cnf"]["jkt"], scene.app.dpop.thumbprint());
        assert!(!scene.is_active(&world, &lost).await, "lost with it");
        scene.goes_on(&world, &twin).await;
    }
);

both!(
    /// A second answer may be lost too, of the next rotation.
    each_rotation_has_a_twin_of_its_own,
    |world| async {
        let scene = Scene::with_key(&world).await;
        let mut last = scene.first.clone();
        for _ in 0..3 {
            scene.refreshed(&world, &last).await;
            last = scene.refreshed(&world, &last).await;
        }
        scene.goes_on(&world, &last).await;
    }
);

both!(
    /// A request that is refused for another reason is no use of it.
    a_refused_request_takes_no_twin,
    |world| async {
        let scene = Scene::with_key(&world).await;
        scene.refreshed(&world, &scene.first).await;
        world.advance(1);
        let wide = with(&form(&scene.first), "scope", "accounts:write");
        let reply = scene.app.send(&world, "/token", &wide).await;
        refused(&reply, "invalid_scope", "wider");
        let other = Forge::new(&world.random);
        let again = form(&scene.first);
        let reply = scene.app.send_by(&world, "/token", &again, Some(&other)).await;
        refused(&reply, "invalid_grant", "a thief without the key");
        let twin = scene.refreshed(&world, &scene.first).await;
        scene.goes_on(&world, &twin).await;
    }
);

both!(a_third_use_is_theft, |world| async {
    let scene = Scene::with_key(&world).await;
    let lost = scene.refreshed(&world, &scene.first).await;
    let twin = scene.refreshed(&world, &scene.first).await;
    let third = scene.refresh(&world, &scene.first).await;
    scene
        .is_over(&world, &third, &[&scene.first, &lost, &twin])
        .await;
});

both!(a_dead_twin_that_is_presented_is_theft, |world| async {
    let scene = Scene::with_key(&world).await;
    let lost = scene.refreshed(&world, &scene.first).await;
    let twin = scene.refreshed(&world, &scene.first).await;
    let found = scene.refresh(&world, &lost).await;
    scene.is_over(&world, &found, &[&lost, &twin]).await;
});

both!(
    /// The successor was used: its answer was not lost.
    once_the_successor_was_used_reuse_is_theft,
    |world| async {
        let scene = Scene::with_key(&world).await;
        let second = scene.refreshed(&world, &scene.first).await;
        let third = scene.refreshed(&world, &second).await;
        let reuse = scene.refresh(&world, &scene.first).await;
        scene.is_over(&world, &reuse, &[&second, &third]).await;
    }
);

both!(
    /// The successor's access token was introspected: its answer was not lost.
    once_the_access_token_was_introspected_reuse_is_theft,
    |world| async {
        let scene = Scene::with_key(&world).await;
        let second = scene.refreshed(&world, &scene.first).await;
        assert!(scene.is_active(&world, &second).await);
        let reuse = scene.refresh(&world, &scene.first).await;
        scene.is_over(&world, &reuse, &[&second]).await;
    }
);

both!(
    /// Exchange and revocation see an access token too, also where they refuse it.
    once_the_access_token_was_presented_reuse_is_theft,
    |world| async {
        let cast = Cast::of(&world).await;
        let exchange = |token: &str| ("/token", cast.exchange_form(token, None));
        let revoke = |token: &str| ("/revoke", vec![("token", token.to_owned())]);
        for (id, present) in [("x", &exchange as &dyn Fn(&str) -> _), ("r", &revoke)] {
            let app = enrol_plain(&world, plain_file(id)).await;
            let first = app.granted(&world, &cast, Some(&app.dpop)).await;
            let second = app.send(&world, "/token", &form(&first)).await;
            let (path, presented): (&str, Fields) = present(&second.access_token());
            world.advance(1);
            // The planner holds neither the token nor its key.
            cast.planner.send(&world, path, &presented).await;
            let heard = world.events_named("task.revoked").await.len();
            let reuse = app.send(&world, "/token", &form(&first)).await;
            refused(&reuse, "invalid_grant", id);
            world.advance(1);
            let reuse = app.send(&world, "/token", &form(&first)).await;
            refused(&reuse, "invalid_grant", id);
            assert_eq!(world.events_named("task.revoked").await.len(), heard + 1);
        }
    }
);

both!(
    /// `/userinfo` sees an access token, and does not answer one whose refresh token was replaced.
    once_the_access_token_was_used_at_userinfo_reuse_is_theft,
    |world| async {
        let cast = Cast::of(&world).await;
        let app = enrol_plain(&world, plain_file("app")).await;
        let asked = with(&cast.request(), "scope", "openid");
        let asked = with(&asked, "authorization_details", "[]");
        let pushed = app.send(&world, "/par", &asked).await;
        let url = authorize_url(&app.id, &pushed.member("request_uri"));
        let (mut browser, page) = world.consent_page(&url).await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        let redeem = cast.redeem_form(&back.query("code").unwrap());
        let first = app.send(&world, "/token", &redeem).await;
        minted(&first, "first");
        let who = async |token: &str| {
            let url = format!("{ISSUER}/userinfo");
            let proof = app.dpop.proof_with("GET", &url, world.now().seconds(), token);
            let authorization = format!("DPoP {token}");
            let headers = [("authorization", authorization.as_str()), ("dpop", &proof)];
            world.get("/userinfo", &headers).await.status
        };
        let again = async |with: &TestReply| {
            world.advance(1);
            app.send(&world, "/token", &form(with)).await
        };
        let lost = again(&first).await;
        let twin = again(&first).await;
        assert_eq!(who(&lost.access_token()).await, 401, "lost");
        let next = again(&twin).await;
        assert_eq!(who(&next.access_token()).await, 200);
        refused(&again(&twin).await, "invalid_grant", "theft");
        assert_eq!(who(&next.access_token()).await, 401);
        assert_eq!(world.events_named("task.revoked").await.len(), 1);
    }
);

both!(
    /// Without a key only the time speaks for the client: a minute.
    without_a_key_there_is_one_twin_within_a_minute,
    |world| async {
        let scene = Scene::without_key(&world).await;
        let lost = scene.refreshed(&world, &scene.first).await;
        world.advance(59);
        let twin = scene.refreshed(&world, &scene.first).await;
        assert!(!scene.is_active(&world, &lost).await);
        let third = scene.refresh(&world, &scene.first).await;
        scene.is_over(&world, &third, &[&lost, &twin]).await;
    }
);

both!(without_a_key_reuse_after_a_minute_is_theft, |world| async {
    let scene = Scene::without_key(&world).await;
    let second = scene.refreshed(&world, &scene.first).await;
    world.advance(60);
    let late = scene.refresh(&world, &scene.first).await;
    scene.is_over(&world, &late, &[&second]).await;
});

both!(
    /// Two absent keys are not the same key, and an absent one is not a present one.
    a_key_that_was_not_there_before_gets_no_twin,
    |world| async {
        let scene = Scene::without_key(&world).await;
        let second = scene.refreshed(&world, &scene.first).await;
        world.advance(1);
        let again = form(&scene.first);
        let reply = scene.app.send(&world, "/token", &again).await;
        scene.is_over(&world, &reply, &[&second]).await;
    }
);

both!(
    /// Fifty times the same lost answer at once, over two nodes: one twin, and nothing is stopped.
    fifty_retries_at_once_leave_one_line,
    |world| async {
        let scene = Scene::with_key(&world).await;
        let lost = scene.refreshed(&world, &scene.first).await;
        world.advance(1);
        let doors = doors_of(&world).await;
        let all = (0..RACERS).map(|_| scene.ready(&world, &scene.first));
        let replies = race(&doors, all.collect()).await;
        let (twins, refusals): (Vec<_>, Vec<_>) = replies.iter().partition(|r| r.status == 200);
        assert_eq!(twins.len(), 1);
        for reply in refusals {
            refused(reply, "invalid_grant", "a loser");
        }
        assert!(!scene.is_active(&world, &lost).await);
        scene.goes_on(&world, twins[0]).await;
    }
);

both!(
    /// The successor is used at the same moment at which its predecessor comes again: one of the two goes on.
    a_twin_and_the_use_of_the_successor_leave_one_line,
    |world| async {
        let scene = Scene::with_key(&world).await;
        let second = scene.refreshed(&world, &scene.first).await;
        world.advance(1);
        let doors = doors_of(&world).await;
        let all = (0..RACERS).map(|place| match place % 2 {
            0 => scene.ready(&world, &scene.first),
            _ => scene.ready(&world, &second),
        });
        let replies = race(&doors, all.collect()).await;
        let won: Vec<_> = replies.iter().filter(|r| r.status == 200).collect();
        assert_eq!(won.len(), 1);
        scene.goes_on(&world, won[0]).await;
    }
);

/// Sends all at once, through the doors in turn.
async fn race(doors: &[writ_testkit::NodeClient; 2], all: Vec<Ready>) -> Vec<TestReply> {
    let racers = all.into_iter().enumerate().map(|(place, ready)| {
        let door = doors[place % doors.len()].clone();
        async move { door.send(&ready).await }
    });
    at_once(racers.collect()).await
}

both!(
    /// A confidential client's refresh token is not rotated, so that it comes as often as it likes.
    a_confidential_client_needs_no_twin,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = cast.granted(&world, &cast.planner, &cast.request(), BANK).await;
        let refresh = cast.planner.refresh_form(&first.member("refresh_token"));
        for _ in 0..3 {
            world.advance(1);
            minted(&cast.planner.send(&world, "/token", &refresh).await, "again");
        }
    }
);
