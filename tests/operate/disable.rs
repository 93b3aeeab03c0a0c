//! A person who is disabled: nothing that they are subject, owner or sponsor of goes on, on any node, from
//! that commit on; and `writ user disable|enable` does it.

use std::process::{Command, Output};

use serde_json::json;
use writ_authority::Level;
use writ_core::authorize::{OpenedBy, SESSION_LIFETIME};
use writ_core::id::UserId;
use writ_store::session::NewUserSession;
use writ_testkit::{
    BANK, Cast, Change, Fields, PASSWORD, TestAgent, TestBrowser, TestReply, World, agent_file,
    authorize_url, both, enrol, minted, refused,
};

use crate::laws::races::own_work;
use crate::process::binary;

/// Owned by mallory, answered for by sponsor bob, acting for alice.
async fn sponsored(world: &World) -> (Cast, TestAgent) {
    let cast = Cast::of(world).await;
    world.add_shop().await;
    world.add_user("bob", PASSWORD).await;
    let mut file = agent_file("agt_sponsored", "mallory");
    file["agent"]["sponsor"] = json!("bob");
    file["agent"]["may_ask"] = json!(["alice"]);
    file["agent"]["onward"] = json!({ "agents": ["agt_planner"], "depth": 3 });
    (cast, enrol(world, file).await)
}

/// Neither by a new request nor by one that was pushed before.
async fn asks_nobody(world: &World, request: &Fields, agent: &TestAgent, pushed: &TestReply) {
    let again = agent.send(world, "/par", request).await;
    refused(&again, "unauthorized_client", "a pushed request");
    let url = authorize_url(&agent.id, &pushed.member("request_uri"));
    let page = world.browser().open(&url).await;
    assert_eq!(page.reply.status, 400, "{}", page.url);
    page.says("This app has been stopped");
}

async fn enable(world: &World, name: &str) {
    let id = world.user_id(name).await;
    let mut transaction = world.begin().await;
    assert!(transaction.enable_user(&id, world.now()).await.unwrap());
    transaction.commit().await.unwrap();
}

/// Owner and sponsor alike: "no agent without both".
async fn stops_everything(world: &World, cast: &Cast, agent: &TestAgent, person: &str) {
    let node = world.node().await;
    let request = cast.request();
    let reply = cast.granted(world, agent, &request, BANK).await;
    let (token, refresh) = (reply.access_token(), reply.member("refresh_token"));
    let handed = cast.hand(world, agent, &token, &cast.planner).await;
    let below = minted(&handed, "below");
    assert_eq!(below["act"]["sub"], json!("agt_planner"));
    let code = cast.approved(world, agent, &request, "alice").await;
    let other = cast.token(world).await;
    let own = request.clone().with("client_id", &agent.id);
    let pushed = agent.send(world, "/par", &own).await;
    world.disable(person).await;
    asks_nobody(world, &own, agent, &pushed).await;
    for token in [&token, &handed.access_token()] {
        assert_eq!(cast.introspect(world, token).await["active"], json!(false));
    }
    let form = agent.refresh_form(&refresh);
    refused(
        &agent.send(world, "/token", &form).await,
        "invalid_grant",
        "refresh",
    );
    let form = cast.redeem_form(&code).with("resource", BANK);
    let redeemed = node.door().send(&agent.ready(world, "/token", &form)).await;
    refused(&redeemed, "invalid_grant", "a code");
    let form = cast.exchange_form(&token, None);
    refused(
        &agent.send(world, "/token", &form).await,
        "invalid_request",
        "narrow",
    );
    let again = cast.hand(world, agent, &token, &cast.planner).await;
    refused(&again, "invalid_request", "hand over");
    let own = agent.send(world, "/token", &own_work()).await;
    refused(&own, "unauthorized_client", "its own work");
    let asked = agent.ask(world, &cast.question()).await;
    refused(&asked, "unauthorized_client", "a question");
    let to_it = cast.hand(world, &cast.planner, &other, agent).await;
    refused(&to_it, "invalid_request", "a hand over to it");
    assert_eq!(
        cast.introspect(world, &other).await["active"],
        json!(true),
        "others go on"
    );
    enable(world, person).await;
    assert_eq!(cast.introspect(world, &token).await["active"], json!(true));
    minted(&agent.send(world, "/token", &own_work()).await, "again");
}

both!(nothing_goes_on_without_the_sponsor, |world| async {
    let (cast, agent) = sponsored(&world).await;
    stops_everything(&world, &cast, &agent, "bob").await;
});

both!(nothing_goes_on_without_the_owner, |world| async {
    let (cast, agent) = sponsored(&world).await;
    stops_everything(&world, &cast, &agent, "mallory").await;
});

fn writ(world: &World, arguments: &[&str]) -> Output {
    Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .args(arguments)
        .output()
        .unwrap()
}

async fn signs_in(mut browser: TestBrowser) -> bool {
    let page = browser.open("/login").await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    page.url.path() == "/app"
}

/// Digest of the cookie of a login that found alice enabled, and was written after she was disabled.
const LATE: &str = "late";

async fn late_login(world: &World, cast: &Cast) {
    let mut transaction = world.begin().await;
    let session = NewUserSession {
        digest: LATE,
        user: &UserId::from_text(cast.alice.as_str()),
        authenticated_at: world.now(),
        level: Level::Password,
        opened_by: OpenedBy::Password,
        for_request: None,
        expires_at: world.now().plus(SESSION_LIFETIME),
        user_agent: None,
        address: None,
        upstream: None,
    };
    transaction.insert_session(session).await.unwrap();
    transaction.commit().await.unwrap();
}

both!(
    a_disabled_person_can_do_nothing_until_enabled,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let mut phone = world.phone_of("alice").await;
        let done = writ(&world, &["user", "disable", "alice"]);
        let complained = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{complained}");
        let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            said,
            json!({ "id": cast.alice, "name": "alice", "state": "disabled" })
        );
        assert_eq!(
            cast.introspect(&world, &token).await["active"],
            json!(false)
        );
        assert!(!signs_in(world.browser()).await);
        let page = phone.browser.open("/app").await;
        assert_eq!(page.url.path(), "/login", "the old cookie is nobody's");
        late_login(&world, &cast).await;
        for arguments in [
            ["user", "disable", "alice"],
            ["user", "disable", "nobody"],
            ["user", "enable", "mallory"],
        ] {
            assert_eq!(
                writ(&world, &arguments).status.code(),
                Some(1),
                "{arguments:?}"
            );
        }
        assert_eq!(
            writ(&world, &["user", "enable", "alice"]).status.code(),
            Some(0)
        );
        assert_eq!(cast.introspect(&world, &token).await["active"], json!(true));
        let page = phone.browser.open("/app").await;
        assert_eq!(page.url.path(), "/login", "a stolen cookie stays dead");
        let mut reading = world.app.read().await.unwrap();
        let late = reading.session(LATE, world.now()).await.unwrap();
        assert!(late.is_none(), "and so does a login that raced");
        drop(reading);
        assert!(signs_in(world.browser()).await);
        let disabled = world.events_named("user.disabled").await;
        assert_eq!(disabled.len(), 1);
        assert_eq!(disabled[0].subject.as_deref(), Some(cast.alice.as_str()));
        assert_eq!(disabled[0].data["by"], json!("operator"));
        let enabled = world.events_named("user.changed").await;
        assert_eq!(
            (enabled.len(), &enabled[0].data["state"]),
            (1, &json!("enabled"))
        );
    }
);
