//! A logout token, by which a provider says that somebody is signed out there (OpenID Connect Back-Channel Logout section 2.4): what must
//! stand in it, and whose sessions end.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use writ_jose::hash;
use writ_wire::time::Timestamp;

use super::{CLOCKS_APART, is_subject, session_name};

/// The member of `events` (section 2.4).
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The longest `jti` that is remembered.
const LONGEST_ID: usize = 255;
/// How long a sign-in may be under way.
pub const LOGIN_UNDER_WAY: std::time::Duration = std::time::Duration::from_secs(600);
/// From `iat` on; a token of which nobody says when it ends is good no longer.
const LONGEST_LIFE: std::time::Duration = std::time::Duration::from_secs(300);

/// The claims, verified by a key of the provider and by nothing else yet.
#[derive(Clone, Debug, Deserialize)]
pub struct LogoutClaims {
    iss: String,
    aud: Audiences,
    iat: i64,
    exp: Option<i64>,
    jti: String,
    events: Map<String, Value>,
    sub: Option<String>,
    sid: Option<String>,
    #[serde(default)]
    nonce: Absent,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Several(Vec<String>),
}

/// Whether a claim is not there at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Absent {
    #[default]
    Yes,
    No,
}

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self::No)
    }
}

/// For whom the token must be.
#[derive(Clone, Copy, Debug)]
pub struct LogoutRules<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub now: Timestamp,
}

/// What ends: the session of this name there and the person's sessions of which the provider gave no name, or all sessions of this person there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLogout {
    pub jti: String,
    pub of: LoggedOut,
    /// Until then the token must be known as used.
    pub accepted_until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggedOut {
    /// By `sid`, with `sub` where the token has it too.
    Session {
        sid: String,
        subject: Option<String>,
    },
    Subject(String),
}

impl LoggedOut {
    /// Digests of what a sign-in that is under way would be, in their order, in which each transaction writes them.
    pub fn marks(&self, issuer: &str) -> BTreeSet<String> {
        match self {
            Self::Session { sid, subject } => {
                let unnamed = subject
                    .as_ref()
                    .map(|subject| mark(issuer, "unnamed", subject));
                let named = mark(issuer, "session", sid);
                unnamed.into_iter().chain([named]).collect()
            }
            Self::Subject(subject) => BTreeSet::from([mark(issuer, "all", subject)]),
        }
    }
}

/// Whom a sign-in at a provider is of, and which session there.
#[derive(Clone, Copy, Debug)]
pub struct LogoutMarks<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
    pub sid: Option<&'a str>,
}

impl LogoutMarks<'_> {
    /// Of the logouts that would have ended the session, had it been there; in the order of [`LoggedOut::marks`].
    pub fn of_login(self) -> BTreeSet<String> {
        let session = match self.sid {
            Some(sid) => mark(self.issuer, "session", sid),
            None => mark(self.issuer, "unnamed", self.subject),
        };
        BTreeSet::from([mark(self.issuer, "all", self.subject), session])
    }
}

fn mark(issuer: &str, what: &str, name: &str) -> String {
    let parts = ["upstream-logged-out", issuer, what, name];
    hash::digest_text(&parts.map(str::as_bytes))
}

impl LogoutClaims {
    /// Section 2.6; the signature was verified, and whether the token was used before is asked afterwards.
    pub fn judge(self, rules: LogoutRules<'_>) -> Result<ProviderLogout, &'static str> {
        if self.iss != rules.issuer {
            return Err("`iss` is another issuer");
        }
        let is_for = match &self.aud {
            Audiences::One(one) => one == rules.client_id,
            Audiences::Several(all) => all.iter().any(|one| one == rules.client_id),
        };
        if !is_for {
            return Err("`aud` is another client");
        }
        let accepted_until = self.accepted_until(rules.now)?;
        if self.nonce == Absent::No {
            return Err("a logout token has no `nonce`: an ID token is none");
        }
        if !self.events.get(LOGOUT_EVENT).is_some_and(Value::is_object) {
            return Err("`events` does not say that this is a logout");
        }
        if self.jti.is_empty() || self.jti.len() > LONGEST_ID {
            return Err("`jti` has 1 to 255 bytes");
        }
        let subject = self.sub.filter(|sub| !sub.is_empty());
        if subject.as_ref().is_some_and(|sub| !is_subject(sub)) {
            return Err("`sub` is not 1 to 255 ASCII characters");
        }
        let of = match (session_name(self.sid)?, subject) {
            (Some(sid), subject) => LoggedOut::Session { sid, subject },
            (None, Some(sub)) => LoggedOut::Subject(sub),
            (None, None) => return Err("neither `sub` nor `sid` says who"),
        };
        Ok(ProviderLogout {
            jti: self.jti,
            of,
            accepted_until,
        })
    }

    fn accepted_until(&self, now: Timestamp) -> Result<Timestamp, &'static str> {
        let issued_at = Timestamp::from_seconds(self.iat);
        if issued_at > now.plus(CLOCKS_APART) {
            return Err("`iat` lies ahead");
        }
        let longest = issued_at.plus(LONGEST_LIFE);
        let end = self
            .exp
            .map_or(longest, Timestamp::from_seconds)
            .min(longest);
        let accepted_until = end.plus(CLOCKS_APART);
        match now < accepted_until {
            true => Ok(accepted_until),
            false => Err("the logout token is too old"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn judged(changes: Value) -> Result<ProviderLogout, String> {
        let mut claims = json!({
            "iss": "https://acme.example", "aud": "writ", "iat": NOW, "jti": "j1", "sub": "s1", "sid": "d1",
            "events": { LOGOUT_EVENT: {} }
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::String(text) if text == "absent" => {
                    drop(claims.as_object_mut().unwrap().remove(name))
                }
                other => claims[name] = other.clone(),
            }
        }
        let claims: LogoutClaims = serde_json::from_value(claims).map_err(|e| e.to_string())?;
        let rules = LogoutRules {
            issuer: "https://acme.example",
            client_id: "writ",
            now: Timestamp::from_seconds(NOW),
        };
        claims.judge(rules).map_err(str::to_owned)
    }

    #[test]
    fn backchannel_2_6_only_a_logout_token_for_us_is_one() {
        for good in [
            json!({}),
            json!({ "aud": ["other", "writ"] }),
            json!({ "exp": NOW + 120 }),
            json!({ "exp": NOW - 59 }),
            json!({ "iat": NOW - 359 }),
            json!({ "iat": NOW + 60 }),
            json!({ "typ": "Logout" }),
        ] {
            assert_eq!(judged(good.clone()).err(), None, "{good}");
        }
        for bad in [
            json!({ "iss": "https://acme.example/" }),
            json!({ "iss": "absent" }),
            json!({ "aud": "other" }),
            json!({ "aud": [] }),
            json!({ "aud": "absent" }),
            json!({ "iat": NOW + 61 }),
            json!({ "iat": NOW - 360 }),
            json!({ "iat": "absent" }),
            json!({ "exp": NOW - 60 }),
            json!({ "iat": NOW - 360, "exp": NOW + 3600 }),
            json!({ "jti": "" }),
            json!({ "jti": "absent" }),
            json!({ "nonce": "n" }),
            json!({ "nonce": null }),
            json!({ "nonce": 7 }),
            json!({ "events": "absent" }),
            json!({ "events": {} }),
            json!({ "events": { LOGOUT_EVENT: null } }),
            json!({ "events": { "http://schemas.openid.net/event/other": {} } }),
            json!({ "events": [LOGOUT_EVENT] }),
            json!({ "sub": "absent", "sid": "absent" }),
            json!({ "sub": "", "sid": "" }),
            json!({ "sid": "d\u{0}1" }),
            json!({ "sid": "d1\n" }),
            json!({ "sub": "s\u{0}1" }),
            json!({ "sub": "s\u{0}1", "sid": "absent" }),
            json!({ "sub": "\u{430}lice" }),
            json!({ "sub": "s".repeat(256) }),
        ] {
            assert!(judged(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn backchannel_2_6_a_session_ends_alone_where_it_is_named() {
        let of = |changes| judged(changes).unwrap().of;
        let session = |subject: Option<&str>| LoggedOut::Session {
            sid: "d1".to_owned(),
            subject: subject.map(str::to_owned),
        };
        assert_eq!(of(json!({})), session(Some("s1")));
        assert_eq!(of(json!({ "sub": "absent" })), session(None));
        let subject = LoggedOut::Subject("s1".to_owned());
        assert_eq!(of(json!({ "sid": "absent" })), subject);
        let until = judged(json!({ "exp": NOW + 30 })).unwrap().accepted_until;
        assert_eq!(until, Timestamp::from_seconds(NOW + 90));
    }

    #[test]
    fn backchannel_2_7_a_logout_is_of_the_sign_ins_whose_session_it_would_end() {
        let session = |sid: &str, subject: Option<&str>| LoggedOut::Session {
            sid: sid.to_owned(),
            subject: subject.map(str::to_owned),
        };
        let all = LoggedOut::Subject("s1".to_owned());
        for (logout, issuer, sid, is_of) in [
            (all.clone(), "https://a", Some("d1"), true),
            (all.clone(), "https://a", None, true),
            (all, "https://b", None, false),
            (
                LoggedOut::Subject("d1".to_owned()),
                "https://a",
                Some("d1"),
                false,
            ),
            (session("d1", Some("s1")), "https://a", Some("d1"), true),
            (session("d1", Some("s1")), "https://a", Some("d2"), false),
            (session("d1", Some("s1")), "https://a", None, true),
            (session("d1", None), "https://a", Some("d1"), true),
            (session("d1", None), "https://a", None, false),
            (session("d1", Some("s2")), "https://a", None, false),
            (session("d1", None), "https://b", Some("d1"), false),
        ] {
            let login = LogoutMarks {
                issuer,
                subject: "s1",
                sid,
            };
            let found = !login.of_login().is_disjoint(&logout.marks("https://a"));
            assert_eq!(found, is_of, "{logout:?} {login:?}");
        }
    }
}
