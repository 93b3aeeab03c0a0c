//! A consent away from the browser that asks: the browser shows a number and waits, the person decides on a device of their own, and the browser
//! that asked goes on once. Nothing else moves it, and no way leads back into that browser.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Fields, PASSWORD, Phone, TestBrowser, TestReply, Web, WebPage, World,
    authorize_url, both, both_with, front_url, minted, payment,
};

use super::webpush::{AUTH, PUBLIC};

/// Alice's phone, with a passkey and notifications, and an agent that asks in a browser.
pub(super) struct Scene {
    pub(super) cast: Cast,
    pub(super) phone: Phone,
}

/// A browser in which alice signed in for a request, on its page.
pub(super) struct Asking {
    pub(super) browser: TestBrowser,
    pub(super) page: WebPage,
}

pub(super) async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    let phone = told_phone(world).await;
    Scene { cast, phone }
}

pub(super) async fn told_phone(world: &World) -> Phone {
    let mut phone = world.enrolled_phone("alice", 1).await;
    tell(&mut phone, "one").await;
    phone
}

/// From now on this browser is told of what its person is asked.
async fn tell(phone: &mut Phone, name: &str) {
    let endpoint = format!("https://fcm.googleapis.com/fcm/send/{name}");
    tell_at(phone, &endpoint).await;
}

pub(super) async fn tell_at(phone: &mut Phone, endpoint: &str) {
    let keys = json!({ "p256dh": PUBLIC, "auth": AUTH });
    let subscription = json!({ "endpoint": endpoint, "expirationTime": null, "keys": keys });
    let fields = [("subscription", subscription.to_string())];
    let page = phone.post("/app/devices/push", &fields).await;
    assert_eq!(page.reply.status, 200, "{}", page.reply.text());
    assert_eq!(page.url.path(), "/app/devices");
}

async fn tell_no_more(phone: &mut Phone, name: &str) {
    let endpoint = format!("https://fcm.googleapis.com/fcm/send/{name}");
    let fields = [("endpoint", endpoint)];
    phone.post("/app/devices/push/remove", &fields).await;
}

impl Scene {
    pub(super) async fn asking(&self, world: &World) -> Asking {
        self.asking_for(world, &self.cast.request()).await
    }

    pub(super) async fn asking_for(&self, world: &World, form: &Fields) -> Asking {
        let (browser, page) = self.cast.asked(world, form).await;
        Asking { browser, page }
    }

    /// The only request that waits, on the phone.
    pub(super) async fn look(&mut self) -> WebPage {
        let waiting = self.phone.inbox().await;
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        self.phone.look(&waiting[0]).await
    }

    pub(super) async fn answers(&mut self, page: &WebPage, number: &str) -> WebPage {
        let assertion = self.phone.sign(page).to_string();
        let fill = [("number", number), ("assertion", assertion.as_str())];
        self.phone.answer(page, &fill).await
    }
}

impl Asking {
    /// Presses the button; the number that is shown then.
    pub(super) async fn starts(&mut self) -> String {
        self.page = self
            .browser
            .submit(&self.page, "consent-elsewhere", &[])
            .await;
        assert_eq!(self.page.reply.status, 200, "{}", self.page.reply.text());
        number(&self.page)
    }

    /// What the page does by itself every few seconds.
    pub(super) async fn looks_again(&mut self) -> WebPage {
        self.browser.open(self.page.url.as_str()).await
    }
}

pub(super) fn number(page: &WebPage) -> String {
    let html = page.reply.text();
    let after = html.split("id=\"number-to-match\"><bdi>").nth(1);
    let number = after.and_then(|after| after.split('<').next());
    number.expect("a number").to_owned()
}

pub(super) fn another(number: &str) -> String {
    let number: u8 = number.parse().unwrap();
    (number % 90 + 10).to_string()
}

pub(super) fn code(back: &WebPage) -> String {
    let code = back.query("code");
    code.unwrap_or_else(|| panic!("no code in {}: {}", back.url, back.reply.text()))
}

pub(super) fn is_elsewhere(page: &WebPage) -> bool {
    let html = page.reply.text();
    let (here, there) = ("id=\"consent-approve\"", "id=\"consent-elsewhere\"");
    assert_ne!(html.contains(here), html.contains(there), "{html}");
    html.contains(there)
}

both!(
    a_yes_on_the_phone_goes_on_in_the_browser_that_asked,
    |world| async {
        let mut scene = staged(&world).await;
        let mut asking = scene.asking(&world).await;
        asking.page.says("Decide on your other device");
        assert!(is_elsewhere(&asking.page));
        assert_eq!(
            scene.phone.inbox().await,
            Vec::<String>::new(),
            "a GET asks nothing"
        );
        let number = asking.starts().await;
        assert_eq!(asking.page.reply.header("refresh"), Some("3"));
        assert_eq!(asking.starts_again().await, number, "one question");
        let screen = scene.look().await;
        let id = screen.url.path().rsplit('/').next().unwrap().to_owned();
        screen.says("agt_planner asks for your approval");
        screen.says("Which number does that browser show?");
        screen.says("Browser that asks");
        screen.does_not_say(&number);
        let receipt = scene.answers(&screen, &number).await;
        assert!(
            receipt.url.path().starts_with("/app/receipts/"),
            "{}",
            receipt.reply.text()
        );
        let back = asking.looks_again().await;
        let code = code(&back);
        assert_eq!(back.query("state").as_deref(), Some("s1"));
        let token = minted(&scene.cast.redeem(&world, &code).await, "by a code");
        assert_eq!(token["approval"]["id"], json!(id));
        assert_eq!(token["approval"]["basis"], json!("passkey"));
        assert_eq!(token["approval"]["by"], json!("subject"));
        assert_eq!(token["acr"], json!("urn:writ:acr:passkey"));
        assert_eq!(token["sub"], json!(scene.cast.alice));
        assert_eq!(token["act"]["sub"], json!("agt_planner"));
        asking.looks_again().await.says("answered");
        recorded(&world, &id).await;
    }
);

async fn recorded(world: &World, id: &str) {
    let asked = world.events_named("approval.requested").await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].data["kind"], json!("consent"));
    assert_eq!(asked[0].data["asked"]["number"], Value::Null);
    let given = world.events_named("consent.given").await;
    assert_eq!(given[0].data["method"], json!("passkey"));
    let shown = given[0].data["shown"].as_str().unwrap();
    assert!(shown.contains("Browser that asks"), "{shown}");
    let redeemed = world.events_named("approval.redeemed").await;
    assert_eq!(redeemed[0].data["approval"], json!(id));
}

impl Asking {
    /// The button pressed once more, as another tab still has it.
    async fn starts_again(&mut self) -> String {
        let fields = [
            ("csrf", self.browser.csrf()),
            ("request", self.page.query("request").unwrap()),
            ("consent-elsewhere", "1".to_owned()),
        ];
        number(&self.browser.post("/consent", &fields).await)
    }
}

both!(less_is_approved_there_as_anywhere, |world| async {
    let mut scene = staged(&world).await;
    let mut asking = scene.asking(&world).await;
    let number = asking.starts().await;
    let waiting = scene.phone.inbox().await;
    let less = [("part", "d0"), ("amount-d0", "7.00"), ("minutes", "15")];
    let screen = scene.phone.less(&waiting[0], &less).await;
    scene.answers(&screen, &number).await;
    let code = code(&asking.looks_again().await);
    let token = minted(&scene.cast.redeem(&world, &code).await, "less");
    assert_eq!(
        token["authorization_details"][0]["instructed_amount"]["amount"],
        json!("7.00")
    );
    assert_eq!(token["scope"], Value::Null);
    let narrowed = world.events_named("consent.narrowed").await;
    assert_eq!(narrowed.len(), 1);
});

/// A form of this browser about this request, with one button.
async fn pressed(
    asking: &mut Asking,
    button: &'static str,
    more: &[(&'static str, &str)],
) -> WebPage {
    let mut fields = vec![
        ("csrf", asking.browser.csrf()),
        ("request", asking.page.query("request").unwrap()),
        (button, "1".to_owned()),
    ];
    let more = more.iter();
    fields.extend(more.map(|(name, value)| (*name, (*value).to_owned())));
    asking.browser.post("/consent", &fields).await
}

both!(
    no_way_leads_back_into_the_browser_that_asks,
    |world| async {
        let mut scene = staged(&world).await;
        let mut asking = scene.asking(&world).await;
        let grant = scope_of_bank();
        for when in ["before the question", "while it waits"] {
            let shown = pressed(&mut asking, "consent-approve", &[("grant", &grant)]).await;
            assert_eq!(shown.reply.status, 403, "{when}: {}", shown.reply.text());
            shown.says("Nothing was approved.");
            if when == "before the question" {
                asking.starts().await;
            }
        }
        let waiting = scene.phone.inbox().await;
        let path = format!("/app/requests/{}", waiting[0]);
        let screen = asking.browser.open(&path).await;
        screen.says("You decide on your other device.");
        for fill in [("password", PASSWORD), ("assertion", "{}")] {
            let fields = [
                ("csrf", asking.browser.csrf()),
                ("decision", "approve".to_owned()),
                ("number", number(&asking.page)),
                (fill.0, fill.1.to_owned()),
            ];
            let shown = asking.browser.post(&path, &fields).await;
            assert_eq!(shown.reply.status, 403, "{fill:?}: {}", shown.reply.text());
        }
        // The password, in a browser of whoever saw it: it shows another question, and decides neither.
        let mut other = world.browser();
        let page = other.open(asking.page.url.as_str()).await;
        let page = other.log_in(&page, "alice", PASSWORD).await;
        assert!(is_elsewhere(&page));
        let screen = other.open(&path).await;
        assert!(!screen.reply.text().contains("type=\"password\""));
        // A yes to the first browser moves no other one.
        let screen = scene.look().await;
        scene.answers(&screen, &number(&asking.page)).await;
        let page = other.open(asking.page.url.as_str()).await;
        assert!(is_elsewhere(&page), "another session of hers");
        let mut mallory = world.browser();
        let page = mallory.open(asking.page.url.as_str()).await;
        let page = mallory.log_in(&page, "mallory", PASSWORD).await;
        assert!(
            !is_elsewhere(&page),
            "mallory decides for mallory, and has no device"
        );
        code(&asking.looks_again().await);
    }
);

fn scope_of_bank() -> String {
    format!("scope accounts:read {}", writ_testkit::BANK)
}

both!(only_a_browser_that_is_signed_in_asks, |world| async {
    let mut scene = staged(&world).await;
    let asking = scene.asking(&world).await;
    let request = asking.page.query("request").unwrap();
    let mut stranger = world.browser();
    stranger.open("/login").await;
    let fields = [
        ("csrf", stranger.csrf()),
        ("request", request.clone()),
        ("consent-elsewhere", "1".to_owned()),
    ];
    let shown = stranger.post("/consent", &fields).await;
    assert_eq!(shown.url.path(), "/login");
    let reply: TestReply = world
        .post(
            "/consent",
            &[("request", request.as_str()), ("consent-elsewhere", "1")],
            &[],
        )
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(scene.phone.inbox().await, Vec::<String>::new());
});

both!(
    who_has_no_other_device_decides_here_as_before,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let here = async |what: &str, expected: bool| {
            let (_, page) = cast.asked(&world, &cast.request()).await;
            assert_eq!(is_elsewhere(&page), expected, "{what}");
        };
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        here("nothing", false).await;
        tell(&mut phone, "one").await;
        here("notifications alone", false).await;
        tell_no_more(&mut phone, "one").await;
        world.advance(24 * 3600 + 1);
        let mut phone = world.enrolled_phone("alice", 1).await;
        here("a passkey alone", false).await;
        tell(&mut phone, "one").await;
        here("both", true).await;
        // In that very browser, there is no other.
        let url = authorize_url(
            &cast.planner.id,
            &cast.pushed(&world, &cast.request()).await,
        );
        let page = phone.browser.open(&url).await;
        let page = phone.browser.log_in(&page, "alice", PASSWORD).await;
        assert!(!is_elsewhere(&page), "the phone itself");
        let (_, page) = world.consent_page(&front_url(&web.request())).await;
        assert!(!is_elsewhere(&page), "an application of the house");
        // Whoever drives her browser can take her phone away, and gets nothing by it before she knows.
        phone.sign_in("alice").await;
        tell_no_more(&mut phone, "one").await;
        here("just removed", true).await;
        world.advance(24 * 3600 + 1);
        here("removed a day ago", false).await;
    }
);

both_with!(
    an_operator_can_have_it_decided_in_the_browser,
    &[("APPROVAL__ELSEWHERE", "never")],
    |world| async {
        let scene = staged(&world).await;
        let asking = scene.asking(&world).await;
        assert!(!is_elsewhere(&asking.page));
    }
);

both!(asking_counts_as_every_question_does, |world| async {
    let mut scene = staged(&world).await;
    // Five of one agent wait for one person at most.
    for place in 0..6 {
        let details = json!([payment(&format!("{}.00", place + 1))]).to_string();
        let form = scene.cast.request().with("authorization_details", details);
        let mut asking = scene.asking_for(&world, &form).await;
        let shown = pressed(&mut asking, "consent-elsewhere", &[]).await;
        match place {
            0..5 => assert_eq!(shown.reply.status, 200, "{place}"),
            _ => {
                assert_eq!(shown.reply.status, 429, "{}", shown.reply.text());
                assert!(shown.reply.header("retry-after").is_some());
            }
        }
    }
    assert_eq!(scene.phone.inbox().await.len(), 5);
});
