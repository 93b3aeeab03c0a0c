//! What may happen once happens once: fifty at once over two nodes, on both databases, and one wins.
//! `processes.rs` runs the same races over two server processes.

use std::collections::BTreeSet;

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Forge, Node, NodeClient, PASSWORD, REDIRECT, Ready, TestBrowser, TestReply,
    WebPage, World, at_once, authorize_url, both,
};

/// So many at once: exactly one wins.
pub(crate) const RACERS: usize = 50;

/// Keys and configuration that a node has read before are older than it may act on.
const STALE: u64 = 11;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) async fn doors_of(world: &World) -> [NodeClient; 2] {
    [world.door(), world.node().await.door()]
}

/// Sends all at once, through the doors in turn; the answers in order.
pub(crate) async fn send_at_once(doors: &[NodeClient], all: Vec<Ready>) -> Vec<TestReply> {
    let racers = all.into_iter().enumerate().map(|(place, ready)| {
        let door = doors[place % doors.len()].clone();
        async move { door.send(&ready).await }
    });
    at_once(racers.collect()).await
}

/// The one 200; everybody else has exactly this refusal.
pub(crate) fn only_winner(replies: &[TestReply], refusal: (u16, &str)) -> TestReply {
    let (won, lost): (Vec<&TestReply>, Vec<&TestReply>) =
        replies.iter().partition(|r| r.status == 200);
    for reply in lost {
        let expected = (refusal.0, refusal.1.to_owned());
        assert_eq!(reply.refusal(), expected, "{}", reply.text());
    }
    assert_eq!(won.len(), 1, "of {} one wins", replies.len());
    won[0].clone()
}

pub(crate) fn own_work() -> [(&'static str, String); 3] {
    [
        ("grant_type", "client_credentials".to_owned()),
        ("resource", BANK.to_owned()),
        ("scope", "accounts:read".to_owned()),
    ]
}

/// The losers hold the same key, so nothing is revoked.
pub(crate) async fn race_a_code(world: &World, cast: &Cast, doors: &[NodeClient]) {
    let code = cast.code(world).await;
    let form = cast.redeem_form(&code);
    let all = (0..RACERS).map(|_| cast.planner.ready(world, "/token", &form));
    let replies = send_at_once(doors, all.collect()).await;
    let winner = only_winner(&replies, (400, "invalid_grant"));
    let token = winner.access_token();
    assert_eq!(cast.introspect(world, &token).await["active"], json!(true));
    let again = cast.planner.ready(world, "/token", &form);
    for door in doors {
        assert_eq!(door.send(&again).await.refusal().0, 400);
    }
}

/// One assertion, fifty fresh proofs.
pub(crate) async fn race_an_assertion(world: &World, cast: &Cast, doors: &[NodeClient]) {
    let first = cast.planner.ready(world, "/token", &own_work());
    let proof = || cast.planner.proof(world, "/token");
    let all = (0..RACERS).map(|_| first.clone().header("dpop", &proof()));
    let replies = send_at_once(doors, all.collect()).await;
    only_winner(&replies, (400, "invalid_client"));
}

/// One proof, fifty fresh assertions.
pub(crate) async fn race_a_proof(world: &World, cast: &Cast, doors: &[NodeClient]) {
    let proof = cast.planner.proof(world, "/token");
    let ready = || cast.planner.ready(world, "/token", &own_work());
    let all = (0..RACERS).map(|_| ready().header("dpop", &proof));
    let replies = send_at_once(doors, all.collect()).await;
    only_winner(&replies, (400, "invalid_dpop_proof"));
}

/// The `jti` of an actor assertion is consumed.
pub(crate) async fn race_an_actor_assertion(world: &World, cast: &Cast, doors: &[NodeClient]) {
    let code = cast.code(world).await;
    let token = cast.redeem(world, &code).await.access_token();
    let actor = cast.booker.actor_assertion(world, "agt_planner");
    let form = cast.exchange_form(&token, Some(&actor));
    let all = (0..RACERS).map(|_| cast.planner.ready(world, "/token", &form));
    let replies = send_at_once(doors, all.collect()).await;
    let winner = only_winner(&replies, (400, "invalid_request"));
    assert_eq!(winner.claims()["act"]["sub"], json!("agt_booker"));
    let task = writ_core::id::TaskId::from_text(
        winner.claims()["mission"]["id"]
            .as_str()
            .unwrap()
            .to_owned(),
    );
    let rows = world.begin().await.delegations_of(&task).await.unwrap();
    assert_eq!(rows.len(), 2, "the root and one hand over");
}

both!(one_redemption_of_a_code, |world| async {
    let cast = Cast::of(&world).await;
    let doors = doors_of(&world).await;
    race_a_code(&world, &cast, &doors).await;
});

both!(one_use_of_a_client_assertion, |world| async {
    let cast = Cast::of(&world).await;
    let doors = doors_of(&world).await;
    race_an_assertion(&world, &cast, &doors).await;
});

both!(one_use_of_a_proof, |world| async {
    let cast = Cast::of(&world).await;
    let doors = doors_of(&world).await;
    race_a_proof(&world, &cast, &doors).await;
});

both!(one_use_of_an_actor_assertion, |world| async {
    let cast = Cast::of(&world).await;
    let doors = doors_of(&world).await;
    race_an_actor_assertion(&world, &cast, &doors).await;
});

both!(
    /// Nobody waits for a second connection while holding one: more requests than connections, and nothing at hand.
    fifty_honest_requests_at_once_all_succeed,
    |world| async {
        let cast = Cast::of(&world).await;
        let doors = doors_of(&world).await;
        world.advance(STALE);
        let ready = || cast.planner.ready(&world, "/token", &own_work());
        let all = (0..RACERS).map(|_| ready()).collect();
        for reply in send_at_once(&doors, all).await {
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
    }
);

both!(
    /// The same for the pages: each shows several agents that the node must look up.
    fifty_people_at_once_see_their_tasks,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.grant(&world).await;
        let node = world.node().await;
        let mut browsers = Vec::new();
        for place in 0..RACERS {
            let mut browser = if place % 2 == 0 { world.browser() } else { node.browser() };
            if place < 2 {
                let page = browser.open("/app").await;
                browser.log_in(&page, "alice", PASSWORD).await;
            } else {
                let earlier: &TestBrowser = &browsers[place % 2];
                browser.cookies = earlier.cookies.clone();
            }
            browsers.push(browser);
        }
        world.advance(STALE);
        let racers = browsers.into_iter().map(|mut browser| async move { browser.open("/app/agents").await });
        for page in at_once(racers.collect()).await {
            assert_eq!((page.reply.status, page.url.path()), (200, "/app/agents"), "{}", page.reply.text());
        }
    }
);

both!(
    /// Fifty people's browsers hold the page of one request, and all approve.
    one_approval_of_a_request,
    |world| async {
        let cast = Cast::of(&world).await;
        let shown = decide(&world, &cast, |_| "consent-approve").await;
        let codes: Vec<String> = shown.iter().filter_map(|s| s.query("code")).collect();
        assert_eq!(codes.len(), 1, "one code");
        let losers = shown.iter().filter(|s| s.query("code").is_none());
        for page in losers {
            assert_eq!(page.url.path(), "/consent");
            assert!(page.reply.status >= 400, "{}", page.reply.text());
        }
        let names = world.event_names().await;
        let count = |name: &str| names.iter().filter(|n| *n == name).count();
        assert_eq!((count("task.approved"), count("consent.given")), (1, 1), "{names:?}");
        assert_eq!(cast.redeem(&world, &codes[0]).await.status, 200);
    }
);

both!(
    /// Half approve, half deny; the request is decided once, whoever was first.
    one_decision_of_a_request,
    |world| async {
        let cast = Cast::of(&world).await;
        let button = |place: usize| ["consent-approve", "consent-deny"][place / 2 % 2];
        let shown = decide(&world, &cast, button).await;
        let back: Vec<&WebPage> = shown.iter().filter(|s| s.url.path() == "/cb").collect();
        assert_eq!(back.len(), 1, "one answer to the client");
        let approved = back[0].query("code").is_some();
        assert_eq!(back[0].query("error").as_deref(), (!approved).then_some("access_denied"));
        let names = world.event_names().await;
        let count = |name: &str| names.iter().filter(|n| *n == name).count();
        let decided = (count("consent.given"), count("consent.denied"), count("task.approved"));
        let expected = if approved { (1, 0, 1) } else { (0, 1, 0) };
        assert_eq!(decided, expected, "{names:?}");
    }
);

/// Fifty browsers over two nodes, each logged in for the one request, press their buttons at once.
async fn decide(world: &World, cast: &Cast, button: fn(usize) -> &'static str) -> Vec<WebPage> {
    let node = world.node().await;
    let pushed = cast.push(world, &cast.request()).await;
    let url = authorize_url("agt_planner", &pushed.member("request_uri"));
    let mut racers = Vec::new();
    for place in 0..RACERS {
        let (mut browser, page) = at_consent(world, &node, &url, place).await;
        let button = button(place);
        racers.push(async move { browser.submit(&page, button, &[]).await });
    }
    at_once(racers).await
}

async fn at_consent(world: &World, node: &Node, url: &str, place: usize) -> (TestBrowser, WebPage) {
    let mut browser = if place.is_multiple_of(2) {
        world.browser()
    } else {
        node.browser()
    };
    let login = browser.open(url).await;
    let page = browser.log_in(&login, "alice", PASSWORD).await;
    assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
    (browser, page)
}

both!(
    /// A public client's refresh token is rotated once, and no race leaves two live children.
    one_rotation_of_a_refresh_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let doors = doors_of(&world).await;
        let public = Public::of(&world).await;
        let first = public.redeem(&world, &doors[0]).await;
        let old = first.member("refresh_token");
        let all = (0..RACERS).map(|_| public.refresh(&world, &old)).collect();
        let replies = send_at_once(&doors, all).await;
        let winner = only_winner(&replies, (400, "invalid_grant"));
        // The losers hold the same key: nothing was revoked.
        let active = cast.introspect(&world, &winner.access_token()).await;
        assert_eq!(active["active"], json!(true));
        // Both fifty more of the old one and one of the new one: only the child lives.
        let all = (0..RACERS).map(|_| public.refresh(&world, &old)).collect();
        for reply in send_at_once(&doors, all).await {
            assert_eq!(reply.refusal(), (400, "invalid_grant".to_owned()));
        }
        let child = winner.member("refresh_token");
        let next = doors[1].send(&public.refresh(&world, &child)).await;
        assert_eq!(next.status, 200, "{}", next.text());
        let given: BTreeSet<String> =
            [old, child, next.member("refresh_token")].into_iter().collect();
        assert_eq!(given.len(), 3, "each rotation makes a new one");
    }
);

/// A public client with one key.
struct Public {
    key: Forge,
}

impl Public {
    async fn of(world: &World) -> Self {
        world
            .add_client(json!({
                "client_id": "phone", "client_name": "Phone", "profile": "oauth21",
                "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"], "scope": "accounts:read"
            }))
            .await;
        Self {
            key: Forge::new(&world.random),
        }
    }

    fn ready(&self, world: &World, form: &[(&str, String)]) -> Ready {
        let url = format!("{}/token", writ_testkit::ISSUER);
        let proof = self.key.proof("POST", &url, world.now().seconds());
        Ready::new("/token", form)
            .parameter("client_id", "phone")
            .header("dpop", &proof)
    }

    async fn redeem(&self, world: &World, door: &NodeClient) -> TestReply {
        let url = format!(
            "/authorize?response_type=code&client_id=phone&redirect_uri={REDIRECT}&scope=accounts:read\
             &resource={BANK}&code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap();
        let form = [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.1.into_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        let reply = door.send(&self.ready(world, &form)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    }

    fn refresh(&self, world: &World, token: &str) -> Ready {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
        ];
        self.ready(world, &form)
    }
}
