//! Who wants to be asked again never loses a race against another tab that passes through: over two nodes, at every place between the
//! statements of the one that passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use writ_testkit::{Cast, Node, PASSWORD, TestBrowser, WebPage, World, both, front_url};

use super::oidc_consent::{agree, logged_in, remembering, silent};

/// More than the statements of a request that passes through, so that the other one comes before, between and after.
const PLACES: u64 = 40;

/// How the person takes it back.
const BUTTONS: [&str; 2] = ["consent-forget", "agent-stop"];

/// What one race gave.
struct Raced {
    passed: WebPage,
    /// Statements of the node that passes through: at the other's answer, and at its own.
    sent: (u64, u64),
}

both!(
    a_withdrawal_never_loses_against_a_silent_request,
    |world| async {
        Cast::of(&world).await;
        let web = remembering(&world).await;
        let form = silent(&web);
        let other = world.node().await;
        let mut passing = logged_in(&world).await;
        let mut withdrawing = at(&other).await;
        let mut passed_first = 0;
        for after in 0..PLACES {
            let button = BUTTONS[(after % 2) as usize];
            agree(&world, &form).await;
            let page = withdrawing.open("/app/agents").await;
            let racing = Race {
                url: front_url(&form),
                button,
                after,
            };
            let raced;
            (passing, withdrawing, raced) =
                race(&world, (passing, withdrawing), &page, racing).await;
            let place = format!("{button} after {after} statements");
            match raced.passed.query("error") {
                Some(error) => assert_eq!(error, "consent_required", "{place}"),
                None => {
                    assert!(
                        raced.passed.query("code").is_some(),
                        "{place}: {}",
                        raced.passed.url
                    );
                    assert_eq!(
                        raced.sent.0, raced.sent.1,
                        "a code after the answer, {place}"
                    );
                    let code = web.redeem_form(&raced.passed.query("code").unwrap());
                    let reply = web.send(&world, "/token", &code, &[]).await;
                    // Asking again ends no grant; a stop of the app does.
                    let expected = if button == "agent-stop" { 400 } else { 200 };
                    assert_eq!(reply.status, expected, "{place}: {}", reply.text());
                    passed_first += 1;
                }
            }
            let late = passing.open(&front_url(&form)).await;
            assert_eq!(
                late.query("error").as_deref(),
                Some("consent_required"),
                "{place}"
            );
        }
        // Otherwise it was no race.
        assert!((1..PLACES).contains(&passed_first), "{passed_first} passed");
    }
);

async fn at(node: &Node) -> TestBrowser {
    let mut browser = node.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, "alice", PASSWORD).await;
    browser
}

struct Race {
    url: String,
    button: &'static str,
    /// The withdrawal starts when the other has sent so many statements.
    after: u64,
}

async fn race(
    world: &World,
    (mut passing, mut withdrawing): (TestBrowser, TestBrowser),
    page: &WebPage,
    race: Race,
) -> (TestBrowser, TestBrowser, Raced) {
    let app = world.app.clone();
    let start = app.store.statements();
    let answered = Arc::new(AtomicBool::new(false));
    let (done, counted) = (answered.clone(), app.clone());
    let url = race.url;
    let passes = tokio::spawn(async move {
        let passed = passing.open(&url).await;
        done.store(true, Ordering::SeqCst);
        (passing, passed, counted.store.statements() - start)
    });
    let sent = || app.store.statements() - start;
    while sent() < race.after && !answered.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    withdrawing.submit(page, race.button, &[]).await;
    let at_withdrawal = sent();
    let (passing, passed, at_answer) = passes.await.unwrap();
    let sent = (at_withdrawal, at_answer);
    (passing, withdrawing, Raced { passed, sent })
}
