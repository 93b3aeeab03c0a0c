//! Cookies and the token against forged forms (RFC 9700 section 4.7).
//! One cookie: random before login, rotated at login; the form token is derived from it, so nothing is stored for visitors.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use writ_core::authorize::{SESSION_LIFETIME, UserSession};
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::hash;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use crate::node::app::App;

/// A browser: its cookie, known or new, and its login, if any. A disabled user is signed out.
pub struct Browser {
    cookie: String,
    is_new: bool,
    pub session: Option<UserSession>,
}

impl Browser {
    /// What every form of this browser must send back.
    pub fn csrf(&self) -> String {
        hash::digest_text(&[b"csrf", self.cookie.as_bytes()])
    }

    /// Whether the form came from a page that this browser was given.
    pub fn sent(&self, form: &Form) -> bool {
        let sent = form.optional("csrf").ok().flatten().unwrap_or_default();
        !self.is_new && hash::constant_time_eq(sent.as_bytes(), self.csrf().as_bytes())
    }

    /// Digest of the cookie: the key of the session's row.
    pub fn digest(&self) -> String {
        session_digest(&self.cookie)
    }
}

impl App {
    /// Reads the cookie; gives a new visitor one. A disabled user is signed out, on every page.
    pub async fn browser(&self, headers: &HeaderMap) -> Result<Browser, StoreError> {
        let Some(cookie) = cookie(headers, &self.cookie_name()) else {
            return Ok(self.new_browser());
        };
        let session = self
            .read()
            .await?
            .session(&session_digest(&cookie), self.mended_time())
            .await?
            .filter(|session| !session.user.disabled);
        Ok(Browser {
            cookie,
            is_new: false,
            session,
        })
    }

    /// The transaction of a change by this person, which holds their session, of this digest. `None`: it has ended. What ends it comes wholly
    /// before this transaction or wholly after it, so that nothing is changed by a session that ended while the request was answered.
    pub async fn begin_change(
        &self,
        person: &UserId,
        session: &str,
    ) -> Result<Option<DatabaseTransaction>, StoreError> {
        let mut transaction = self.begin().await?;
        let lives = transaction.hold_session(person, session, self.mended_time());
        Ok(lives.await?.then_some(transaction))
    }

    pub fn new_browser(&self) -> Browser {
        Browser {
            cookie: self.random.secret(),
            is_new: true,
            session: None,
        }
    }

    /// Sets the cookie where the browser does not have it yet.
    pub fn remember(&self, browser: &Browser, headers: &mut HeaderMap) {
        if browser.is_new {
            self.set_cookie(headers, &browser.cookie, Some(SESSION_LIFETIME.as_secs()));
        }
    }

    pub fn forget(&self, headers: &mut HeaderMap) {
        self.set_cookie(headers, "", Some(0));
    }

    fn set_cookie(&self, headers: &mut HeaderMap, value: &str, max_age: Option<u64>) {
        self.set_cookie_named(headers, &self.cookie_name(), value, max_age);
    }

    /// Lax, not Strict: the person arrives here from the client's site.
    pub(super) fn set_cookie_named(
        &self,
        headers: &mut HeaderMap,
        name: &str,
        value: &str,
        max_age: Option<u64>,
    ) {
        self.set_cookie_of(headers, SameSite::Lax, (name, value), max_age);
    }

    pub fn set_cookie_of(
        &self,
        headers: &mut HeaderMap,
        same_site: SameSite,
        (name, value): (&str, &str),
        max_age: Option<u64>,
    ) {
        let secure = if self.config.is_https() {
            "; Secure"
        } else {
            ""
        };
        let age = max_age
            .map(|seconds| format!("; Max-Age={seconds}"))
            .unwrap_or_default();
        let site = same_site.as_str();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={site}{secure}{age}");
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.append(SET_COOKIE, value);
        }
    }

    /// With https `__Host-`; over loopback http some clients return no `Secure` cookie, so another name.
    fn cookie_name(&self) -> String {
        if self.config.is_https() {
            format!("__Host-writ-{DEFAULT_TENANT}")
        } else {
            format!("writ-loopback-{DEFAULT_TENANT}")
        }
    }
}

/// With which requests a browser sends a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Also where a link of another site leads here.
    Lax,
    /// With those of our own pages alone.
    Strict,
}

impl SameSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }
}

fn session_digest(cookie: &str) -> String {
    hash::digest_text(&[b"session", cookie.as_bytes()])
}

/// The cookie's value, if it looks like one of ours.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    only_cookie(headers, name).filter(|value| value.len() == 43)
}

/// The value of the one cookie of this name. Whatever bytes the cookies of a neighbour host have (RFC 6265 section 5.4), ours are text.
pub fn only_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let fields = headers.get_all(COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    let mut ours = pairs.filter_map(|pair| {
        let pair = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        pair.strip_prefix(b"=")
    });
    let only = ours.next().filter(|_| ours.next().is_none())?;
    String::from_utf8(only.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        only_cookie(&headers, "ours")
    }

    #[test]
    fn rfc_6265_5_4_bytes_of_another_cookie_hide_none_of_ours() {
        let cases: [&[&[u8]]; 6] = [
            &[b"ours=a"],
            &[b"theme=\xc3\xa9; ours=a"],
            &[b"ours=a; theme=\xe9"],
            &[b"\xff; ours=a;;"],
            &[b"theme=\xe9", b"ours=a"],
            &[b"oursx=b; xours=c; ours =d;  ours=a ; OURS=e"],
        ];
        for fields in cases {
            assert_eq!(found(fields).as_deref(), Some("a"), "{fields:?}");
        }
    }

    #[test]
    fn two_of_ours_are_none() {
        let cases: [&[&[u8]]; 6] = [
            &[b"ours=a; ours=b"],
            &[b"ours=a", b"ours=a"],
            &[b"ours=a; ours=\xe9"],
            &[b"ours=\xe9"],
            &[b"ours"],
            &[],
        ];
        for fields in cases {
            assert_eq!(found(fields), None, "{fields:?}");
        }
    }
}
