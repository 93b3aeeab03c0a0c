//! The challenge for whoever is not signed in, of which nothing is kept: sealed, under a key of its own, for one act, one browser and five
//! minutes, so that a visitor makes no row. It is used up in the transaction of that act (WebAuthn section 13.4.3).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::assertion::MAX_FUTURE;
use writ_jose::hash;
use writ_jose::seal::{SealError, SealedFor};
use writ_store::replay::ReplayClaim;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::people::session::Browser;

/// As long as the device is given to answer (WebAuthn section 15.1).
const LIFETIME: Duration = Duration::from_secs(300);
const ID_BYTES: usize = 16;

/// What the answer of a passkey is good for, and for nothing else.
#[derive(Clone, Copy)]
pub enum ChallengeFor<'a> {
    Login,
    /// To set this very password by the link of this digest.
    Link {
        link: &'a str,
        password: &'a str,
    },
}

/// A challenge of ours that came back.
pub struct OpenedChallenge {
    pub challenge: Vec<u8>,
    pub made_at: Timestamp,
    pub once: ReplayClaim,
}

/// A new one for this browser.
pub fn make(app: &App, browser: &Browser, what: ChallengeFor<'_>) -> Result<Vec<u8>, SealError> {
    let expires_at = app.clock.now().plus(LIFETIME);
    let mut plain = app.random.bytes::<ID_BYTES>().to_vec();
    plain.extend(expires_at.micros().to_be_bytes());
    app.config
        .master
        .seal(SealedFor::LoginChallenge, &place(browser, what), &plain)
}

/// `None` for what this server did not give to this browser for this in the last five minutes.
pub fn open(
    app: &App,
    browser: &Browser,
    what: ChallengeFor<'_>,
    challenge: &str,
) -> Option<OpenedChallenge> {
    let challenge = URL_SAFE_NO_PAD.decode(challenge).ok()?;
    let (master, place) = (&app.config.master, place(browser, what));
    let plain = master.open(SealedFor::LoginChallenge, &place, &challenge);
    let plain = plain.ok()?;
    let (id, expires_at) = plain.split_last_chunk::<8>()?;
    let expires_at = Timestamp::from_micros(i64::from_be_bytes(*expires_at));
    (app.clock.now() < expires_at).then(|| OpenedChallenge {
        challenge,
        made_at: expires_at.minus(LIFETIME),
        once: ReplayClaim {
            digest: hash::digest_text(&[b"passkey-login", id]),
            // The clocks of two nodes may differ, and rows are removed by either.
            expires_at: expires_at.plus(MAX_FUTURE),
        },
    })
}

/// It opens for the same act, tenant and browser, and for nothing else that is sealed here.
fn place(browser: &Browser, what: ChallengeFor<'_>) -> Vec<u8> {
    let browser = browser.digest();
    match what {
        ChallengeFor::Login => ["passkey-login", DEFAULT_TENANT, &browser].join("\0"),
        // Authenticated by the seal, and neither kept nor sent.
        ChallengeFor::Link { link, password } => {
            let password = hash::digest_text(&[b"chosen-password", password.as_bytes()]);
            ["passkey-link", DEFAULT_TENANT, &browser, link, &password].join("\0")
        }
    }
    .into_bytes()
}
