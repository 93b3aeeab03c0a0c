//! Browsers in which a person signed in before, so that guesses of strangers never keep that person out (OWASP, "Slow Down Online Guessing
//! Attacks with Device Cookies"). The cookie is sealed under the master key, and signs nobody in: it says whose attempts are counted apart.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::seal::{SealError, SealedFor};
use writ_store::user::StoredUser;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::people::session::only_cookie;

/// After the last login there.
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
/// People who share a browser; the one who signed in longest ago leaves.
const MOST_PEOPLE: usize = 4;
/// The longest value that is read, in bytes.
const LONGEST_COOKIE: usize = 2048;

/// What the cookie says of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownPerson {
    user: UserId,
    /// Of this person in this browser: their attempts are counted by it.
    id: String,
    /// As of their row: a new password, or being disabled, ends what is older.
    epoch: i64,
    /// In microseconds.
    until: i64,
}

impl App {
    /// The id of this browser for this person, if they signed in here before and nothing ended that.
    pub fn known_browser(&self, headers: &HeaderMap, stored: &StoredUser) -> Option<String> {
        let people = self.known_people(headers);
        let found = people.into_iter().find(|one| one.user == stored.user.id);
        let found = found.filter(|one| one.epoch == stored.browser_epoch);
        found.map(|one| one.id)
    }

    /// Sets the cookie of a browser in which this person signs in now. `headers` are those of the request, `answer` those of its answer.
    pub fn know_browser(
        &self,
        headers: &HeaderMap,
        stored: &StoredUser,
        answer: &mut HeaderMap,
    ) -> Result<(), SealError> {
        let id = self.known_browser(headers, stored);
        let until = self.clock.now().plus(KNOWN_FOR);
        let now = KnownPerson {
            user: stored.user.id.clone(),
            id: id.unwrap_or_else(|| self.random.identifier()),
            epoch: stored.browser_epoch,
            until: until.micros(),
        };
        let others = self.known_people(headers).into_iter();
        let others = others
            .filter(|one| one.user != now.user)
            .take(MOST_PEOPLE - 1);
        let people: Vec<KnownPerson> = std::iter::once(now.clone()).chain(others).collect();
        let plain = serde_json::to_vec(&people).unwrap_or_default();
        let sealed = self
            .config
            .master
            .seal(SealedFor::KnownBrowser, &place(), &plain)?;
        let (name, age) = (self.known_cookie_name(), Some(KNOWN_FOR.as_secs()));
        self.set_cookie_named(answer, &name, &URL_SAFE_NO_PAD.encode(sealed), age);
        Ok(())
    }

    /// Nobody, where the cookie is not one that this server sealed.
    fn known_people(&self, headers: &HeaderMap) -> Vec<KnownPerson> {
        let value = only_cookie(headers, &self.known_cookie_name());
        let value = value.filter(|value| value.len() <= LONGEST_COOKIE);
        let sealed = value.and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        let plain = sealed.and_then(|sealed| {
            self.config
                .master
                .open(SealedFor::KnownBrowser, &place(), &sealed)
                .ok()
        });
        let people = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        let mut people: Vec<KnownPerson> = people.unwrap_or_default();
        let now = self.clock.now();
        people.retain(|one| now < Timestamp::from_micros(one.until));
        people
    }

    /// As the session cookie is named: `__Host-` needs https.
    fn known_cookie_name(&self) -> String {
        if self.config.is_https() {
            format!("__Host-writ-known-{DEFAULT_TENANT}")
        } else {
            format!("writ-known-loopback-{DEFAULT_TENANT}")
        }
    }
}

/// It opens for the same tenant, and for nothing else that is sealed here.
fn place() -> Vec<u8> {
    ["known-browser", DEFAULT_TENANT].join("\0").into_bytes()
}
