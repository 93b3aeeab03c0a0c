//! Alice's phone: a browser with a software passkey, which approves with `--auto`; otherwise a person at the terminal does.

use http::Method;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::Value;
use writ_passkey::software::SoftwareAuthenticator;
use writ_platform::Random;

use super::cast::DemoLogin;
use super::person::{DemoPage, Person};
use crate::cli::say;

pub struct DemoPhone {
    device: SoftwareAuthenticator,
    browser: Person,
    origin: String,
}

impl DemoPhone {
    pub fn new(issuer: &str) -> Result<Self, String> {
        Ok(Self {
            device: SoftwareAuthenticator::new(Random::System.bytes()),
            browser: Person::new(issuer)?,
            origin: issuer.to_owned(),
        })
    }

    /// Signs in with the password, adds a passkey with it (WebAuthn section 7.1), as the page's script does, and signs in again with
    /// the passkey.
    pub async fn set_up(&mut self, login: DemoLogin) -> Result<(), String> {
        let DemoLogin { name, password } = login;
        let form = self.browser.open("/login?next=/app/devices").await?;
        let typed = [("username", name), ("password", password)];
        let page = self.browser.send(&form, "login-submit", &typed).await?;
        self.enrol(&page, password).await?;
        self.browser = Person::new(&self.origin)?;
        let page = self.browser.open("/login?next=/app").await?;
        let csrf = page.hidden("csrf")?;
        let options = self
            .browser
            .post("/login/passkey/options", &[("csrf", &csrf)])
            .await?;
        let signed = self.device.get(&json(&options.html)?, &self.origin);
        let assertion = signed.map_err(|fault| fault.to_string())?.to_string();
        let form = page.form_with("data-passkey=\"login\"")?;
        let filled = [("assertion", assertion)];
        self.browser.submit(&page, form, &filled).await.map(drop)
    }

    async fn enrol(&mut self, page: &DemoPage, password: &str) -> Result<(), String> {
        let csrf = page.hidden("csrf")?;
        let typed = [("csrf", csrf.as_str()), ("password", password)];
        let options = self
            .browser
            .post("/app/devices/passkeys/options", &typed)
            .await?;
        let made = self.device.create(&json(&options.html)?, &self.origin);
        let credential = made.map_err(|fault| fault.to_string())?.to_string();
        let filled = [
            ("csrf", csrf.as_str()),
            ("name", "Phone"),
            ("credential", credential.as_str()),
        ];
        let page = self.browser.post("/app/devices/passkeys", &filled).await?;
        if page.html.contains(self.newest()?.as_str()) {
            return Ok(());
        }
        Err("the passkey is not on the list of devices".to_owned())
    }

    /// Opens the one request that waits, picks the number and signs with the passkey; returns the sentences that were shown.
    pub async fn approve(&mut self, number: Option<u8>) -> Result<Vec<String>, String> {
        let path = self.browser.open("/app").await?.link("/app/requests/")?;
        let page = self.browser.open(&path).await?;
        let form = page.form_with("data-passkey=\"approval\"")?;
        let options = page.attribute(form, "data-given")?;
        let signed = self.device.get(&json(&options)?, &self.origin);
        let assertion = signed.map_err(|fault| fault.to_string())?.to_string();
        let mut filled = vec![("assertion", assertion)];
        filled.extend(number.map(|number| ("number", number.to_string())));
        self.browser.submit(&page, form, &filled).await?;
        Ok(page.sentences())
    }

    fn newest(&self) -> Result<String, String> {
        let ids = self.device.credential_ids();
        ids.last().cloned().ok_or_else(|| "no passkey".to_owned())
    }
}

/// Prints the address of the page where a person approves, also as a QR code.
pub fn show_link(issuer: &str, login: DemoLogin) {
    let DemoLogin { name, password } = login;
    let link = format!("{issuer}/app");
    say(&format!(
        "         you are alice: open {link}, log in as `{name}` with `{password}`, and decide"
    ));
    // Only a public name can be reached from another device.
    if issuer.starts_with("https://")
        && let Ok(code) = QrCode::new(&link)
    {
        let image = code.render::<Dense1x2>().quiet_zone(true).build();
        image
            .lines()
            .for_each(|line| say(&format!("         {line}")));
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))
}

impl Person {
    pub async fn open(&mut self, path: &str) -> Result<DemoPage, String> {
        let url = self.at(path)?;
        self.go(Method::GET, url, String::new()).await
    }

    pub async fn post(&mut self, path: &str, filled: &[(&str, &str)]) -> Result<DemoPage, String> {
        let url = self.at(path)?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(filled);
        self.go(Method::POST, url, body.finish()).await
    }
}
