//! A person's phone: a browser with an authenticator, that enrols and signs in through the HTTP door.

use serde_json::Value;
use writ_jose::hash;
use writ_passkey::software::SoftwareAuthenticator;
use writ_person::PersonPhone;
use writ_server::notifications::outbox::OutboxContext;
use writ_server::operate::passkey_code;

use crate::browser::{TestBrowser, WebPage};
use crate::cast::PASSWORD;
use crate::world::{ISSUER, World};

/// What the pages' scripts do, without them.
pub struct Phone {
    pub browser: TestBrowser,
    pub device: SoftwareAuthenticator,
    /// The page's origin, as its browser sees it.
    pub origin: String,
    /// The code that an operator gave its person.
    pub code: Option<String>,
}

impl Phone {
    pub fn new(browser: TestBrowser, device: SoftwareAuthenticator) -> Self {
        Self {
            browser,
            device,
            origin: ISSUER.to_owned(),
            code: None,
        }
    }

    /// By password, from the login page.
    pub async fn sign_in(&mut self, name: &str) -> WebPage {
        let page = self.browser.open("/login").await;
        self.browser.log_in(&page, name, PASSWORD).await
    }

    /// The first passkey, with the operator's code; the page of the person's devices says how it went.
    pub async fn enrol(&mut self, name: &str) -> WebPage {
        let code = self.code.clone().expect("a code");
        let credential = self.created(&[("code", code)]).await;
        self.send_credential(&credential, name).await
    }

    /// Another passkey; the person proves themselves with one that `held` holds.
    pub async fn enrol_with(&mut self, held: &mut SoftwareAuthenticator, name: &str) -> WebPage {
        let proof = self.proof(held, &[]).await.to_string();
        let credential = self.created(&[("assertion", proof)]).await;
        self.send_credential(&credential, name).await
    }

    /// Options by this proof, and what this device makes of them.
    pub async fn created(&mut self, proof: &[(&str, String)]) -> Value {
        let csrf = self.browser.csrf();
        self.person().created(&csrf, proof).await.unwrap()
    }

    /// What one of the person's passkeys says to the challenge for this act: with `passkey` a removal.
    pub async fn proof(
        &mut self,
        held: &mut SoftwareAuthenticator,
        act: &[(&str, String)],
    ) -> Value {
        let options = self.post("/app/devices/passkeys/prove", act).await.reply;
        assert_eq!(options.status, 200, "{}", options.text());
        held.get(&options.json(), &self.origin).unwrap()
    }

    pub async fn send_credential(&mut self, credential: &Value, name: &str) -> WebPage {
        let csrf = self.browser.csrf();
        let sent = self.person().send_credential(&csrf, credential, name).await;
        sent.unwrap().into()
    }

    /// The whole way from the login page, wherever it leads.
    pub async fn sign_in_with_passkey(&mut self, way: &[(&str, &str)]) -> WebPage {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(way)
            .finish();
        self.browser.open(&format!("/login?{query}")).await;
        let assertion = self.assertion().await;
        self.send_assertion(&assertion, way).await
    }

    /// A fresh challenge of the login page, answered by the device.
    pub async fn assertion(&mut self) -> Value {
        let csrf = self.browser.csrf();
        self.person().assertion(&csrf).await.unwrap()
    }

    pub async fn send_assertion(&mut self, assertion: &Value, way: &[(&str, &str)]) -> WebPage {
        let mut fields = vec![("assertion", assertion.to_string())];
        fields.extend(way.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.post("/login/passkey", &fields).await
    }

    /// Proved by this device's own passkey.
    pub async fn remove(&mut self, credential_id: &str) -> WebPage {
        let mut held = self.device.clone();
        let act = [("passkey", credential_id.to_owned())];
        let proof = self.proof(&mut held, &act).await;
        self.device = held;
        self.send_removal(credential_id, &proof).await
    }

    pub async fn send_removal(&mut self, credential_id: &str, proof: &Value) -> WebPage {
        let fields = [
            ("passkey", credential_id.to_owned()),
            ("assertion", proof.to_string()),
        ];
        self.post("/app/devices/passkeys/remove", &fields).await
    }

    /// With this device's own passkey; the page is where it leads.
    pub async fn open_console(&mut self, next: &str) -> WebPage {
        let mut held = self.device.clone();
        let act = [("console", "open".to_owned())];
        let proof = self.proof(&mut held, &act).await.to_string();
        self.device = held;
        let fields = [("next", next.to_owned()), ("assertion", proof)];
        self.post("/admin/enter", &fields).await
    }

    /// A form of one of our pages: its fields and the token against forged ones.
    pub async fn post(&mut self, path: &str, fields: &[(&str, String)]) -> WebPage {
        let mut all = vec![("csrf", self.browser.csrf())];
        all.extend_from_slice(fields);
        self.browser.post(path, &all).await
    }

    pub(crate) fn person(&mut self) -> PersonPhone<'_> {
        PersonPhone {
            browser: &mut self.browser,
            device: &mut self.device,
            origin: &self.origin,
        }
    }
}

impl TestBrowser {
    /// What the forms of this browser send back; derived from its cookie, like the server does.
    pub fn csrf(&self) -> String {
        let mut cookies = self.cookies.iter();
        let session = cookies.find(|(name, _)| name.contains("writ-loopback-"));
        let (_, value) = session.expect("a cookie");
        hash::digest_text(&[b"csrf", value.as_bytes()])
    }
}

impl World {
    /// A phone with its own authenticator; the same number is the same one.
    pub fn phone(&self, number: u8) -> Phone {
        Phone::new(self.browser(), SoftwareAuthenticator::new([number; 32]))
    }

    /// What an operator gives this person for their first passkey.
    pub async fn passkey_code(&self, name: &str) -> String {
        let mut transaction = self.begin().await;
        let stored = transaction.user_by_name(name).await.unwrap();
        let user = stored.expect("no such person").user.id;
        let outbox = OutboxContext {
            config: &self.app.config,
            random: &self.random,
            now: self.now(),
        };
        let issued = passkey_code::issue(&outbox, &mut transaction, &user, &self.operator).await;
        let code = issued.unwrap().code.to_string();
        transaction.commit().await.unwrap();
        code
    }

    /// A phone of this person, with their first passkey, signed in by password.
    pub async fn enrolled_phone(&self, name: &str, number: u8) -> Phone {
        let mut phone = self.phone(number);
        phone.sign_in(name).await;
        self.enrol_first(&mut phone, name).await;
        phone
    }

    /// The first passkey of this person, who is signed in there.
    pub async fn enrol_first(&self, phone: &mut Phone, name: &str) {
        phone.code = Some(self.passkey_code(name).await);
        let shown = phone.enrol("Phone").await;
        assert_eq!(shown.reply.status, 200, "{}", shown.reply.text());
    }
}
