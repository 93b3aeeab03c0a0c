//! A person's phone without a browser engine: reads the inbox and the approval page, approves by password or passkey, approves less,
//! denies, by the fields and buttons of the page.

use serde_json::Value;
use writ_person::{DECISION, plain};

use crate::browser::WebPage;
use crate::cast::PASSWORD;
use crate::device::Phone;
use crate::world::World;

impl Phone {
    /// Ids of the requests in the inbox, from top to bottom.
    pub async fn inbox(&mut self) -> Vec<String> {
        let page = self.browser.open("/app").await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        page.shown().requests()
    }

    pub async fn look(&mut self, request: &str) -> WebPage {
        self.browser.open(&format!("/app/requests/{request}")).await
    }

    /// The smaller request, as the form of "approve less" asks for it.
    pub async fn less(&mut self, request: &str, choice: &[(&str, &str)]) -> WebPage {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("narrow", "1")
            .extend_pairs(choice)
            .finish();
        let path = format!("/app/requests/{request}?{query}");
        self.browser.open(&path).await
    }

    /// A yes with what stands in the page's form, and these fields instead.
    pub async fn answer(&mut self, page: &WebPage, fill: &[(&str, &str)]) -> WebPage {
        let fields = yes(page, fill);
        self.browser.send_form(page, DECISION, &fields).await
    }

    pub async fn approve_by_password(&mut self, page: &WebPage) -> WebPage {
        self.answer(page, &[("password", PASSWORD)]).await
    }

    /// What the device says to the challenge of this page.
    pub fn sign(&mut self, page: &WebPage) -> Value {
        self.person().sign(&page.shown()).unwrap()
    }

    pub async fn approve_by_passkey(&mut self, page: &WebPage) -> WebPage {
        let sent = self.person().approve_by_passkey(&page.shown(), &[]).await;
        sent.unwrap().into()
    }

    /// `deny`, `stop` or `not_me`.
    pub async fn refuse(&mut self, page: &WebPage, decision: &str) -> WebPage {
        let mut fields = yes(page, &[(DECISION, decision)]);
        fields.retain(|(name, _)| ["csrf", "screen", DECISION].contains(&name.as_str()));
        self.browser.send_form(page, DECISION, &fields).await
    }

    /// The receipt in the address of this page, as it is handed out.
    pub async fn receipt(&mut self, page: &WebPage) -> String {
        let path = page.url.path();
        assert!(
            path.starts_with("/app/receipts/"),
            "{path}: {}",
            page.reply.text()
        );
        let document = self.browser.open(&format!("{path}/document")).await;
        assert_eq!(document.reply.status, 200, "{}", document.reply.text());
        document.reply.text()
    }
}

impl World {
    /// A phone of this person, signed in by password.
    pub async fn phone_of(&self, name: &str) -> Phone {
        let number = name.bytes().fold(7, u8::wrapping_add);
        let mut phone = self.phone(number);
        phone.sign_in(name).await;
        phone
    }

    /// The id of what waits under this `auth_req_id`.
    pub async fn request_id(&self, auth_req_id: &str) -> String {
        self.waiting(auth_req_id).await.id.to_string()
    }
}

impl WebPage {
    /// Everything that a person reads in the main part of the page and in the bar of its answers, without any space: markup may
    /// stand between words.
    pub fn words(&self) -> String {
        let text = self.reply.text();
        let main = text.split("<main").nth(1).unwrap_or_default();
        let main = main.split("</body>").next().unwrap_or_default();
        squeezed(&plain(main))
    }

    /// Whether these words stand on the page, whatever markup is between them.
    #[track_caller]
    pub fn says(&self, words: &str) {
        assert!(
            self.words().contains(&squeezed(words)),
            "`{words}` is not on the page: {}",
            self.words()
        );
    }

    #[track_caller]
    pub fn does_not_say(&self, words: &str) {
        assert!(
            !self.words().contains(&squeezed(words)),
            "`{words}` is on the page"
        );
    }
}

/// The fields of the yes on this page, with some of them changed.
pub fn yes(page: &WebPage, fill: &[(&str, &str)]) -> Vec<(String, String)> {
    page.shown().filled(DECISION, fill).unwrap()
}

/// What the page gives to the device.
pub fn options(page: &WebPage) -> Value {
    page.shown().passkey_options().unwrap()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
