//! The phone: a browser with an authenticator, which does what the scripts of the pages do.

use serde_json::Value;
use writ_passkey::software::SoftwareAuthenticator;

use crate::browser::WebBrowser;
use crate::error::Step;
use crate::page::ShownPage;

/// A control that only the form to approve a request holds.
pub const DECISION: &str = "decision";

pub struct PersonPhone<'a> {
    pub browser: &'a mut WebBrowser,
    pub device: &'a mut SoftwareAuthenticator,
    /// The page's origin, as the browser sees it.
    pub origin: &'a str,
}

impl PersonPhone<'_> {
    /// Options for a new passkey by this proof of the person, with `csrf` of a page, and what the device makes of them.
    pub async fn created(&mut self, csrf: &str, proof: &[(&str, String)]) -> Step<Value> {
        let options = self
            .options("/app/devices/passkeys/options", csrf, proof)
            .await?;
        Ok(self.device.create(&options, self.origin)?)
    }

    /// Enrols the credential; the page of the person's devices says how it went.
    pub async fn send_credential(&mut self, csrf: &str, credential: &Value, name: &str) -> Step {
        let credential = credential.to_string();
        let fields = [("csrf", csrf), ("name", name), ("credential", &credential)];
        self.browser.post("/app/devices/passkeys", &fields).await
    }

    /// Removes a passkey, proved by one that this device holds; the page of the person's devices says how it went.
    pub async fn remove_credential(&mut self, csrf: &str, id: &str) -> Step {
        let act = [("passkey", id.to_owned())];
        let options = self
            .options("/app/devices/passkeys/prove", csrf, &act)
            .await?;
        let assertion = self.device.get(&options, self.origin)?.to_string();
        let fields = [("csrf", csrf), ("passkey", id), ("assertion", &assertion)];
        self.browser
            .post("/app/devices/passkeys/remove", &fields)
            .await
    }

    /// A fresh challenge of the login page, answered by the device.
    pub async fn assertion(&mut self, csrf: &str) -> Step<Value> {
        let options = self.options("/login/passkey/options", csrf, &[]).await?;
        Ok(self.device.get(&options, self.origin)?)
    }

    /// What the device says to the challenge of an approval page.
    pub fn sign(&mut self, page: &ShownPage) -> Step<Value> {
        Ok(self.device.get(&page.passkey_options()?, self.origin)?)
    }

    /// Approves with what stands in the page's form, and these fields instead.
    pub async fn approve_by_passkey(&mut self, page: &ShownPage, fill: &[(&str, &str)]) -> Step {
        let assertion = self.sign(page)?.to_string();
        let fill = [fill, &[("assertion", assertion.as_str())]].concat();
        self.browser.fill(page, DECISION, &fill).await
    }

    async fn options(&mut self, path: &str, csrf: &str, fields: &[(&str, String)]) -> Step<Value> {
        let fields = [&[("csrf", csrf.to_owned())], fields].concat();
        self.browser.post(path, &fields).await?.json()
    }
}
