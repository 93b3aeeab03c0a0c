//! A client that was suspended or removed: nobody signs in or decides for it, everybody reads why, and nobody is sent to it.

use serde_json::json;
use writ_core::id::ClientId;
use writ_server::operate::suspend::resume_agent;
use writ_testkit::{
    Cast, Change, Fields, TestBrowser, Web, WebPage, World, authorize_url, both, both_with,
    front_url,
};

use super::guest_errors::Guests;
use super::interaction::links;
use super::oidc_logout::{remove, suspend};
use crate::client::dynamic_registration::OPEN;

const STOPPED: &str = "this client is stopped: an operator of this server can let it act again";
const REMOVED: &str = "this client was removed: register another one";

#[track_caller]
fn reads_why(page: &WebPage, sentence: &str) {
    assert_eq!(page.reply.status, 400, "{}", page.url);
    assert_eq!(page.reply.header("location"), None);
    page.says("This app has been stopped");
    page.says("unauthorized_client");
    page.says(sentence);
    assert!(links(page).is_empty(), "{}", page.reply.text());
}

async fn resume(world: &World, id: &str) {
    let mut transaction = world.begin().await;
    let change = world.change();
    let id = ClientId::from_text(id);
    assert!(resume_agent(&mut transaction, &id, change).await.unwrap());
    transaction.commit().await.unwrap();
}

/// Requests of every kind, and what a right one leads to.
struct Ways {
    asked: Vec<String>,
    waiting: Vec<String>,
    signed_in: TestBrowser,
}

impl Ways {
    async fn of(world: &World, web: &Web) -> Self {
        let form = web.request();
        let pushed = web.send(world, "/par", &form, &[]).await;
        let pushed = authorize_url("web", &pushed.member("request_uri"));
        let changed = |name, value| front_url(&form.clone().with(name, value));
        let (signed_in, page) = world.consent_page(&front_url(&form)).await;
        let handle = page.query("request").unwrap();
        Self {
            asked: vec![
                front_url(&form),
                changed("prompt", "none"),
                changed("response_mode", "form_post"),
                changed("response_type", "token"),
                changed("scope", "unheard-of"),
            ],
            waiting: vec![
                pushed,
                format!("/login?request={handle}"),
                format!("/consent?request={handle}"),
            ],
            signed_in,
        }
    }

    async fn read_why(&mut self, world: &World, sentence: &str) {
        for url in self.asked.iter().chain(&self.waiting) {
            reads_why(&world.browser().open(url).await, sentence);
            reads_why(&self.signed_in.open(url).await, sentence);
        }
    }
}

both!(nobody_signs_in_for_a_suspended_client, |world| async {
    Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let mut ways = Ways::of(&world, &web).await;
    suspend(&world).await;
    ways.read_why(&world, STOPPED).await;
    assert!(world.events_named("request.refused").await.is_empty());
    let metrics = world.app.metrics.render();
    for route in ["/authorize", "/login", "/consent"] {
        let mut lines = metrics
            .lines()
            .filter(|line| line.contains("refused_total{"));
        let counted = |line: &str| {
            line.contains(&format!("\"{route}\"")) && line.contains("unauthorized_client")
        };
        assert!(lines.any(counted), "{route}");
    }
    resume(&world, "web").await;
    let page = world.browser().open(&ways.waiting[0]).await;
    assert_eq!(page.url.path(), "/login", "what waits goes on");
});

both!(nobody_signs_in_for_a_removed_client, |world| async {
    Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let mut ways = Ways::of(&world, &web).await;
    remove(&world).await;
    ways.read_why(&world, REMOVED).await;
    // Later no node remembers it.
    world.advance(6);
    for url in &ways.waiting[1..] {
        reads_why(&world.browser().open(url).await, REMOVED);
    }
    let page = world.browser().open(&ways.asked[0]).await;
    assert_eq!(page.reply.status, 400);
    page.says("no client has this `client_id`");
});

async fn asked(world: &World, form: &Fields) -> (TestBrowser, WebPage) {
    world.consent_page(&front_url(form)).await
}

both!(
    who_answers_a_client_that_was_suspended_meanwhile_reads_why,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let (mut browser, page) = asked(&world, &web.request()).await;
        suspend(&world).await;
        for button in ["consent-approve", "consent-deny"] {
            let answered = browser.submit(&page, button, &[]).await;
            assert_eq!(answered.url.path(), "/consent", "{button}");
            reads_why(&answered, STOPPED);
        }
        let refused = world.events_named("request.refused").await;
        assert_eq!(refused.len(), 2);
        for event in refused {
            assert_eq!(event.client.as_deref(), Some("web"));
            assert_eq!(event.subject.as_deref(), Some(cast.alice.as_str()));
            assert_eq!(event.decision.as_deref(), Some("deny"));
            assert_eq!(event.data, json!({ "endpoint": "/consent" }));
            let reason = format!("unauthorized_client: {STOPPED}");
            assert_eq!(event.reason, Some(reason));
        }
        assert!(world.events_named("task.approved").await.is_empty());
        assert!(world.events_named("consent.denied").await.is_empty());
        // Nothing was used up.
        resume(&world, "web").await;
        let back = browser.submit(&page, "consent-approve", &[]).await;
        assert!(back.query("code").is_some(), "{}", back.url);
    }
);

both!(
    who_answers_a_client_that_was_removed_meanwhile_reads_why,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let (mut browser, page) = asked(&world, &web.request()).await;
        remove(&world).await;
        world.advance(6);
        let answered = browser.submit(&page, "consent-approve", &[]).await;
        assert_eq!(answered.url.path(), "/consent");
        reads_why(&answered, REMOVED);
        assert_eq!(world.events_named("request.refused").await.len(), 1);
    }
);

both!(
    /// Whichever is first: a code, which the suspension condemns, or the reason; never that the person did not agree.
    an_approval_beside_a_suspension_is_one_or_the_other,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        for _ in 0..5 {
            let (mut browser, page) = asked(&world, &web.request()).await;
            let answering = browser.submit(&page, "consent-approve", &[]);
            let (answered, ()) = tokio::join!(answering, suspend(&world));
            match answered.query("code") {
                Some(_) => assert_eq!(answered.url.host_str(), Some("web.example")),
                None => reads_why(&answered, STOPPED),
            }
            resume(&world, "web").await;
        }
    }
);

both_with!(
    nobody_decides_for_a_guest_that_was_stopped_meanwhile,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, _, _) in guests.each() {
            let (mut browser, page) = asked(&world, &guest.request()).await;
            guest.code(&world).await;
            let mut transaction = world.begin().await;
            let id = ClientId::from_text(guest.id.as_str());
            assert!(transaction.stop_client(&id, world.now()).await.unwrap());
            transaction.commit().await.unwrap();
            let answered = browser.submit(&page, "consent-approve", &[]).await;
            reads_why(&answered, STOPPED);
            let handle = page.query("request").unwrap();
            let login = format!("/login?request={handle}");
            reads_why(&world.browser().open(&login).await, STOPPED);
        }
        let refused = world.events_named("request.refused").await;
        assert_eq!(refused.len(), 2);
        let is_of = |id: &str| {
            refused
                .iter()
                .any(|event| event.client.as_deref() == Some(id))
        };
        assert!(guests.each().iter().all(|(guest, ..)| is_of(&guest.id)));
        for event in refused {
            assert_eq!(event.data["profile"], json!("guest"));
        }
    }
);

both!(the_page_is_in_the_reader_s_language, |world| async {
    Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    suspend(&world).await;
    let mut browser = world.browser();
    let language = ("writ-language".to_owned(), "de".to_owned());
    browser.cookies.extend([language]);
    let page = browser.open(&front_url(&web.request())).await;
    page.says("Diese App wurde gestoppt");
});
