//! Alice's phone with a passkey in software, which signs what it shows.

use writ_passkey::software::SoftwareAuthenticator;
use writ_person::{PersonPhone, ShownPage, Step, WebBrowser};
use writ_platform::Random;

use super::alice::{DemoLogin, browser, texts};

pub struct DemoPhone {
    device: SoftwareAuthenticator,
    browser: WebBrowser,
    origin: String,
}

impl DemoPhone {
    pub fn new(issuer: &str) -> Step<Self> {
        Ok(Self {
            device: SoftwareAuthenticator::new(Random::System.bytes()),
            browser: browser(issuer)?,
            origin: issuer.to_owned(),
        })
    }

    /// Signs in with the password, adds a passkey (WebAuthn section 7.1) by the operator's code, as the page's script does, and signs in
    /// again with the passkey.
    pub async fn set_up(&mut self, login: &DemoLogin, code: &str) -> Step<()> {
        let DemoLogin { name, password } = login;
        let form = self.browser.open("/login?next=/app/devices").await?;
        let page = self.browser.log_in(&form, name, password).await?;
        self.enrol(&page, code).await?;
        self.browser = browser(&self.origin)?;
        let page = self.browser.open("/login?next=/app").await?;
        let assertion = self.person().assertion(&page.csrf()?).await?.to_string();
        let filled = [("assertion", assertion.as_str())];
        self.browser
            .fill(&page, "assertion", &filled)
            .await
            .map(drop)
    }

    async fn enrol(&mut self, page: &ShownPage, code: &str) -> Step<()> {
        let csrf = page.csrf()?;
        let proof = [("code", code.to_owned())];
        let mut person = self.person();
        let credential = person.created(&csrf, &proof).await?;
        let page = person.send_credential(&csrf, &credential, "Phone").await?;
        let ids = self.device.credential_ids();
        match ids.last().is_some_and(|id| page.html().contains(id)) {
            true => Ok(()),
            false => Err(page.lacks("the passkey is not on the list of devices")),
        }
    }

    /// Opens the one request that waits, types the number and signs with the passkey; returns the sentences that were shown.
    pub async fn approve(&mut self, number: Option<u8>) -> Step<Vec<String>> {
        let inbox = self.browser.open("/app").await?;
        let waiting = inbox.requests().into_iter().next();
        let id = waiting.ok_or_else(|| inbox.lacks("no request"))?;
        let page = self.browser.open(&format!("/app/requests/{id}")).await?;
        let number = number.map(|number| number.to_string());
        let typed: Vec<_> = number.iter().map(|n| ("number", n.as_str())).collect();
        self.person().approve_by_passkey(&page, &typed).await?;
        Ok(texts(&page, "<p class=\"act-sentence\"", "</p>"))
    }

    /// Takes the passkey away again: whoever has one decides with it alone, and the person at the terminal has only the password.
    pub async fn put_away(&mut self) -> Step<()> {
        let csrf = self.browser.open("/app/devices").await?.csrf()?;
        let ids = self.device.credential_ids();
        let id = ids.last().map(String::as_str).unwrap_or_default();
        let page = self.person().remove_credential(&csrf, id).await?;
        match page.html().contains(id) {
            false => Ok(()),
            true => Err(page.lacks("the passkey is still on the list of devices")),
        }
    }

    fn person(&mut self) -> PersonPhone<'_> {
        PersonPhone {
            browser: &mut self.browser,
            device: &mut self.device,
            origin: &self.origin,
        }
    }
}
