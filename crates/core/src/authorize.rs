//! What a person must still do before an authorization request can be answered (OAuth 2.1 section 4.1, OpenID Connect Core 3.1.2),
//! and how strongly they must log in for it (RFC 9470 sections 4 and 5).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_authority::Level;
use writ_wire::error::ErrorCode;
use writ_wire::prompt::Prompt;
use writ_wire::time::Timestamp;

use crate::client::{Client, User};
use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::remembered::SkippedConsent;
use crate::request::{OPENID, PreparedRequest, always_asks};
use crate::requirements::requirements;
use crate::task::{PersonAuthentication, level_of};

/// `expires_in` of a pushed request: within it a person opens it (FAPI 2.0: less than 600 seconds).
pub const REQUEST_LIFETIME: Duration = Duration::from_secs(300);
/// How long a person has, from when they open a request, to log in and to decide.
pub const INTERACTION_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a login is a fresh proof of who somebody is.
pub const FRESH_LOGIN: Duration = Duration::from_secs(900);
/// A login lasts no longer than this.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3600);
/// Requests in the front channel from one address in a minute: each leaves a row before anybody is known.
pub const MAX_FRONT_REQUESTS: i64 = 300;
/// The same in an hour, in which each waits for its person: an office of a thousand people who sign in three times.
pub const MAX_FRONT_REQUESTS_OF_HOUR: u32 = 3000;
/// Times in a minute that a document is fetched because one person is asked about a guest.
pub const MAX_GUEST_QUESTIONS: i64 = 60;

/// A request that waits for a person, as it is found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRequest {
    /// Digest of the `request_uri`'s secret part.
    pub digest: String,
    pub client: String,
    pub prepared: PreparedRequest,
    pub created_at: Timestamp,
    /// Until when it can be opened; once it is open, until when it can be decided.
    pub expires_at: Timestamp,
    pub opened_at: Option<Timestamp>,
    pub consumed_at: Option<Timestamp>,
}

/// A login, as it is found.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSession {
    pub user: User,
    pub authenticated_at: Timestamp,
    /// How strongly.
    pub level: Level,
    pub opened_by: OpenedBy,
    /// When all others of this person were last ended, if ever.
    pub others_ended_at: Option<Timestamp>,
    /// The request in whose interaction the password was given.
    pub for_request: Option<String>,
    pub reads: Reads,
}

/// By what a session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenedBy {
    Password,
    Passkey,
    /// That of a link: worth as much as a password.
    Code,
    /// A login at an OpenID provider.
    Upstream,
}

impl OpenedBy {
    pub const fn level(self) -> Level {
        match self {
            Self::Password | Self::Code => Level::Password,
            Self::Passkey => Level::Passkey,
            // What it counts as, the operator says for each provider: the session has that.
            Self::Upstream => Level::None,
        }
    }
}

/// What is known of how a person reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Name of their zone (IANA).
    pub time_zone: Option<String>,
    /// Tag of the language of the last page that they used.
    pub language: Option<String>,
}

impl UserSession {
    pub fn authentication(&self) -> PersonAuthentication {
        let authentication = PersonAuthentication::of(self.level, self.authenticated_at);
        match self.opened_by {
            OpenedBy::Password | OpenedBy::Passkey | OpenedBy::Upstream => authentication,
            OpenedBy::Code => authentication.by_code(),
        }
    }

    /// Whether something was there when all other sessions of this person were ended: nothing of then counts for them any more.
    pub fn is_past(&self, since: Timestamp) -> bool {
        self.others_ended_at.is_some_and(|ended| since < ended)
    }

    /// Whether the person signed in within the interaction of this request.
    pub fn is_for(&self, found: &FoundRequest) -> bool {
        self.for_request.as_deref() == Some(found.digest.as_str())
    }
}

/// The next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Login,
    Consent,
    /// Nothing: the answer goes back at once.
    Nothing(SkippedConsent),
}

/// Why a request cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestUnusable {
    Unknown,
    /// Not opened within `expires_in`.
    Expired,
    /// Opened, and not decided within [`INTERACTION_LIFETIME`].
    TimedOut,
    Used,
    OtherClient,
}

impl FoundRequest {
    /// Opening a request twice is fine; only the decision consumes it, because browsers prefetch and people reload.
    pub fn usable(&self, now: Timestamp) -> Result<(), RequestUnusable> {
        if self.consumed_at.is_some() {
            return Err(RequestUnusable::Used);
        }
        if now >= self.expires_at {
            return Err(match self.opened_at {
                Some(_) => RequestUnusable::TimedOut,
                None => RequestUnusable::Expired,
            });
        }
        Ok(())
    }

    /// As [`Self::usable`], for a client that names the request: its own alone (RFC 9126 section 2.2).
    pub fn usable_by(&self, client_id: &str, now: Timestamp) -> Result<(), RequestUnusable> {
        if self.client != client_id {
            return Err(RequestUnusable::OtherClient);
        }
        self.usable(now)
    }
}

/// How a refusal of an authorization request reaches its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorWay {
    /// By a redirect (OAuth 2.1 section 4.1.2.1).
    Redirect,
    /// By a link, which the person follows or does not.
    Link,
}

impl ErrorWay {
    /// Before anybody is known to have signed in. Anybody can be a guest, so a redirect to one would send people wherever somebody likes
    /// (RFC 9700 section 4.11.2).
    pub fn of(client: &Client) -> Self {
        match client.is_guest() {
            true => Self::Link,
            false => Self::Redirect,
        }
    }

    /// While a request is on its way: who signed in for this very request had a part in it, unless it asks that nobody has.
    pub fn of_request(
        found: &FoundRequest,
        client: &Client,
        session: Option<&UserSession>,
    ) -> Self {
        let here = session.is_some_and(|session| session.is_for(found));
        let silent = found.prepared.request.prompt.contains(Prompt::None);
        match here && !silent {
            true => Self::Redirect,
            false => Self::of(client),
        }
    }
}

/// What the client hears where the person took too long (OAuth 2.1 section 4.1.2.1).
pub fn timed_out() -> OAuthError {
    let sentence = "the person did not decide in time; send a new request";
    OAuthError::new(ErrorCode::AccessDenied, sentence)
}

/// What is known about the logins of a person at this server.
#[derive(Clone, Copy)]
pub struct Logins<'a> {
    pub realm: Realm<'a>,
    /// The strongest that this person can give here; before they said who they are, the strongest that anybody can.
    pub strongest: Level,
    /// Why the person who is logged in need not be asked for consent.
    pub skipped: Option<SkippedConsent>,
}

/// What becomes of `acr_values` of which none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownClasses {
    /// With `openid` they are voluntary (OpenID Connect Core 3.1.2.1).
    Ignored,
    /// A resource server asked for them (RFC 9470 section 5).
    Refused,
}

/// How strongly the person must be logged in: as the decision needs it, and as strongly as one of `acr_values`. Nobody can log
/// in by values that we do not know.
pub fn wanted_level(
    needed: Level,
    acr_values: &[String],
    unknown: UnknownClasses,
) -> Result<Level, OAuthError> {
    let known = acr_values.iter().filter_map(|acr| level_of(acr)).min();
    match (known, unknown) {
        (Some(asked), _) => Ok(needed.max(asked)),
        (None, UnknownClasses::Refused) if !acr_values.is_empty() => {
            Err(unmet("this server knows none of `acr_values`"))
        }
        (None, _) => Ok(needed),
    }
}

/// RFC 9470 section 5.
pub(crate) fn unmet(sentence: &str) -> OAuthError {
    OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, sentence)
}

/// Login, consent, or a refusal that goes back to the client.
pub fn next(
    found: &FoundRequest,
    client: &Client,
    session: Option<&UserSession>,
    logins: Logins<'_>,
    now: Timestamp,
) -> Result<Need, OAuthError> {
    let request = &found.prepared.request;
    let authority = &found.prepared.authority;
    let subject = session.map(|session| &session.user.id);
    let needs = requirements(authority, client, subject, None, logins.realm);
    needs.allow_consent()?;
    let unknown = unknown_classes(&request.scope);
    let level = wanted_level(needs.login, &request.acr_values, unknown)?;
    if level > logins.strongest {
        return Err(unmet(
            "the login that this needs cannot be had: the person has no passkey here, or this server no such method",
        ));
    }
    let sufficient = session.is_some_and(|s| {
        s.level >= level && (s.is_for(found) || !needs.fresh) && suffices(s, found, client, now)
    });
    let skipped = logins.skipped;
    let skipped = skipped.filter(|_| sufficient && !request.prompt.contains(Prompt::Consent));
    match (sufficient, skipped) {
        (_, Some(skipped)) => Ok(Need::Nothing(skipped)),
        _ if request.prompt.contains(Prompt::None) => Err(must_take_part(sufficient, client)),
        (true, None) => Ok(Need::Consent),
        (false, None) => Ok(Need::Login),
    }
}

fn unknown_classes(scope: &[String]) -> UnknownClasses {
    if scope.iter().any(|name| name == OPENID) {
        UnknownClasses::Ignored
    } else {
        UnknownClasses::Refused
    }
}

/// `prompt` is `none` (OpenID Connect Core 3.1.2.6). A task of an agent is approved each time.
fn must_take_part(logged_in: bool, client: &Client) -> OAuthError {
    let code = if logged_in || always_asks(client) {
        ErrorCode::ConsentRequired
    } else {
        ErrorCode::LoginRequired
    };
    OAuthError::new(code, "a person must take part, and `prompt` is `none`")
}

/// An agent may be driving the browser: its consent needs a password given in this very interaction.
fn suffices(session: &UserSession, found: &FoundRequest, client: &Client, now: Timestamp) -> bool {
    let here = session.is_for(found);
    let request = &found.prepared.request;
    let age = request.max_age.map(Duration::from_secs);
    let asks_again = [Prompt::Login, Prompt::SelectAccount];
    let asks_again = asks_again
        .into_iter()
        .any(|one| request.prompt.contains(one));
    let hinted = found.prepared.hinted.as_ref();
    let young = age.is_none_or(|most| now <= session.authenticated_at.plus(most));
    let is_hinted = hinted.is_none_or(|hinted| *hinted == session.user.id);
    !session.user.disabled && is_hinted && (here || (!always_asks(client) && !asks_again && young))
}
