//! Alice's phone: a passkey in software and the real pages, over real HTTP. `--auto` answers with it; otherwise a person does.

use http::Method;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::Value;
use writ_outside::Random;
use writ_passkey::software::SoftwareAuthenticator;

use super::person::{Page, Person};
use crate::cli::say;

pub struct Phone {
    device: SoftwareAuthenticator,
    browser: Person,
    origin: String,
}

impl Phone {
    pub fn new(issuer: &str) -> Result<Self, String> {
        Ok(Self {
            device: SoftwareAuthenticator::new(Random::System.bytes()),
            browser: Person::new(issuer)?,
            origin: issuer.to_owned(),
        })
    }

    /// The password twice, to sign in and to add the first passkey (WebAuthn 7.1), as the page's script does; from then on the
    /// passkey alone.
    pub async fn set_up(&mut self, (name, password): (&str, &str)) -> Result<(), String> {
        let login = self.browser.open("/login?next=/app/devices").await?;
        let typed = [("username", name), ("password", password)];
        let page = self.browser.send(&login, "login-submit", &typed).await?;
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

    async fn enrol(&mut self, page: &Page, password: &str) -> Result<(), String> {
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

    /// Opens the one request that waits, reads it, picks the number and signs what is shown. Gives what was shown.
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

/// Where a person approves, to click or to point a phone at.
pub fn show_link(issuer: &str, (name, password): (&str, &str)) {
    let link = format!("{issuer}/app");
    say(&format!(
        "         you are alice: open {link}, log in as `{name}` with `{password}`, and decide"
    ));
    // A phone reaches the server by its public name only.
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
    pub async fn open(&mut self, path: &str) -> Result<Page, String> {
        let url = self.at(path)?;
        self.go(Method::GET, url, String::new()).await
    }

    pub async fn post(&mut self, path: &str, filled: &[(&str, &str)]) -> Result<Page, String> {
        let url = self.at(path)?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(filled);
        self.go(Method::POST, url, body.finish()).await
    }
}
