//! What is known of a sign-in while the person is at the provider. Nothing of it is kept: it comes back sealed in `state`, under a key of its
//! own, for one provider, one browser and ten minutes, so that a visitor makes no row. It is used up before the code is redeemed (RFC 6749
//! section 10.12, RFC 9700 section 4.7).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::upstream::logout::LOGIN_UNDER_WAY;
use writ_jose::assertion::MAX_FUTURE;
use writ_jose::hash;
use writ_jose::seal::{SealError, SealedFor};
use writ_store::replay::ReplayClaim;
use writ_wire::time::Timestamp;

use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::people::login::Destination;
use crate::people::session::Browser;

/// How long a person may take at the provider.
const LIFETIME: Duration = LOGIN_UNDER_WAY;

/// A sign-in on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SealedLogin {
    id: String,
    pub(super) nonce: String,
    pub(super) code_verifier: String,
    /// In microseconds.
    asked_at: i64,
    pub(super) destination: Destination,
    /// The person who links the account, and is signed in in this browser; none where somebody signs in by it.
    pub(super) links: Option<UserId>,
}

impl SealedLogin {
    pub(super) fn new(app: &App, destination: Destination, links: Option<UserId>) -> Self {
        Self {
            id: app.random.identifier(),
            nonce: app.random.identifier(),
            code_verifier: app.random.secret(),
            asked_at: app.clock.now().micros(),
            destination,
            links,
        }
    }

    pub(super) fn asked_at(&self) -> Timestamp {
        Timestamp::from_micros(self.asked_at)
    }

    fn expires_at(&self) -> Timestamp {
        self.asked_at().plus(LIFETIME)
    }

    /// `state` of the request.
    pub(super) fn seal(
        &self,
        app: &App,
        browser: &Browser,
        provider: &UpstreamProvider,
    ) -> Result<String, SealError> {
        let plain = serde_json::to_vec(self).unwrap_or_default();
        let master = &app.config.master;
        let sealed = master.seal(SealedFor::UpstreamLogin, &place(browser, provider), &plain)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// `None` for what this server did not give to this browser for this provider in the last ten minutes.
    pub(super) fn open(
        app: &App,
        browser: &Browser,
        provider: &UpstreamProvider,
        state: &str,
    ) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
        let (master, place) = (&app.config.master, place(browser, provider));
        let plain = master.open(SealedFor::UpstreamLogin, &place, &sealed);
        let opened: Self = serde_json::from_slice(&plain.ok()?).ok()?;
        (app.clock.now() < opened.expires_at()).then_some(opened)
    }

    /// How long a row is kept for which a logout waits, or that tells one.
    pub(super) fn marked_until(&self) -> Timestamp {
        self.expires_at().plus(MAX_FUTURE)
    }

    pub(super) fn once(&self) -> ReplayClaim {
        ReplayClaim {
            digest: hash::digest_text(&[b"upstream-login", self.id.as_bytes()]),
            // The clocks of two nodes may differ, and rows are removed by either.
            expires_at: self.marked_until(),
        }
    }
}

/// It opens for the same provider, tenant and browser, and for nothing else that is sealed here.
fn place(browser: &Browser, provider: &UpstreamProvider) -> Vec<u8> {
    let (browser, issuer) = (browser.digest(), provider.issuer.as_str());
    let parts = [
        "upstream-login",
        DEFAULT_TENANT,
        &browser,
        &provider.name,
        issuer,
    ];
    parts.join("\0").into_bytes()
}
