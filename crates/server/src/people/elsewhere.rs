//! The browsers in which a person wants to be told are devices of their own. Each has a cookie of its own, which signs nobody in: by it a browser
//! that asks is told from the device on which it is decided (docs/elsewhere.md).

use http::HeaderMap;
use writ_authority::Level;
use writ_core::client::Client;
use writ_core::elsewhere::{COUNTS_AFTER_REMOVAL, asking_browser};
use writ_core::pending::{Kind, PendingRequest};
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::hash;
use writ_store::StoreError;

use crate::node::app::App;
use crate::people::passkeys::{accepted_passkeys, can_prove_by_passkey};
use crate::people::request::SignedIn;
use crate::people::session::only_cookie;

/// Browsers keep no cookie for longer (RFC 6265bis section 5.5).
const KEPT_FOR: u64 = 400 * 24 * 3600;
/// 32 bytes in base64url.
const COOKIE_LENGTH: usize = 43;

/// A browser that is told of what its person is asked.
pub struct OwnDevice {
    cookie: String,
}

impl OwnDevice {
    /// As it stands in the row of its subscription.
    pub fn digest(&self) -> String {
        hash::digest_text(&[b"own-device", self.cookie.as_bytes()])
    }
}

impl App {
    /// This browser, if it asked to be told before.
    pub fn known_device(&self, headers: &HeaderMap) -> Option<OwnDevice> {
        let cookie = only_cookie(headers, &self.device_cookie_name());
        let cookie = cookie.filter(|cookie| cookie.len() == COOKIE_LENGTH)?;
        Some(OwnDevice { cookie })
    }

    /// This browser, under a new name unless it has one.
    pub fn own_device(&self, headers: &HeaderMap) -> OwnDevice {
        self.known_device(headers).unwrap_or_else(|| OwnDevice {
            cookie: self.random.secret(),
        })
    }

    pub fn remember_device(&self, device: &OwnDevice, answer: &mut HeaderMap) {
        let name = self.device_cookie_name();
        self.set_cookie_named(answer, &name, &device.cookie, Some(KEPT_FOR));
    }

    /// As the session cookie is named: `__Host-` needs https.
    fn device_cookie_name(&self) -> String {
        if self.config.is_https() {
            format!("__Host-writ-device-{DEFAULT_TENANT}")
        } else {
            format!("writ-device-loopback-{DEFAULT_TENANT}")
        }
    }
}

/// Whether this person has another device than this browser: one that is told, or was a day ago, and a passkey to answer with.
pub async fn has_other_device(person: SignedIn<'_>) -> Result<bool, StoreError> {
    let app = person.app;
    if app.passkeys.is_err() {
        return Ok(false);
    }
    let here = app.known_device(person.headers);
    let here = here.map(|device| device.digest());
    let since = app.mended_time().minus(COUNTS_AFTER_REMOVAL);
    let mut reading = app.read().await?;
    let devices = reading.own_devices(person.id(), since).await?;
    if !devices.iter().any(|device| Some(device) != here.as_ref()) {
        return Ok(false);
    }
    let passkeys = accepted_passkeys(app, &mut reading, person.id()).await?;
    Ok(!passkeys.is_empty())
}

/// The weakest yes of this person that counts: to an agent or a guest nothing less than a passkey, where they have one. Whoever has their
/// password may drive this browser, whichever grant led into it, and the device that is told as well as any other.
pub async fn weakest_yes(
    person: SignedIn<'_>,
    request: &PendingRequest,
    client: &Client,
) -> Result<Level, StoreError> {
    let asked = request.asked.level;
    let wants = asked < Level::Passkey && person.app.config.elsewhere.wants_passkey(client);
    match wants && can_prove_by_passkey(person).await? {
        true => Ok(Level::Passkey),
        false => Ok(asked),
    }
}

/// Whether this is the browser that asked, as it is signed in: it goes on after a yes, and never gives it.
pub fn is_asking(person: SignedIn<'_>, request: &PendingRequest) -> bool {
    let session = person.browser.digest();
    request.kind == Kind::Consent && request.digest == asking_browser(&session, &request.id)
}
