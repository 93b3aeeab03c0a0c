//! People who sign in by an OpenID provider of the operator's choice (OpenID Connect Core): who is let in, what they are called here, and
//! what their login there is worth here.

use std::collections::BTreeSet;
use std::time::Duration;

use writ_authority::Level;
use writ_jose::hash;
use writ_wire::time::Timestamp;

use crate::email;

/// How far a provider's clock may be from ours.
pub const CLOCKS_APART: Duration = Duration::from_secs(60);
/// The longest `sub`, in ASCII characters (OpenID Connect Core section 2).
pub const LONGEST_SUBJECT: usize = 255;
/// Of the part before `@` of a name that is made from claims.
const LONGEST_LOCAL_NAME: usize = 40;
/// People of one provider who are called alike: the others are told apart by a digest.
const MOST_NAMESAKES: usize = 9;
const DIGEST_LETTERS: usize = 12;

/// What an ID token says of a person, once it is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamClaims {
    pub subject: String,
    /// Only one that the provider verified (`email_verified`), as [`email::claimed`] spells it.
    pub verified_email: Option<String>,
    pub preferred_username: Option<String>,
    /// By id; a provider that sends none says that there are none.
    pub groups: BTreeSet<String>,
    pub acr: Option<String>,
    pub amr: BTreeSet<String>,
    pub auth_time: Option<Timestamp>,
    /// The session at the provider.
    pub sid: Option<String>,
}

/// By what somebody at a provider became a person here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOrigin {
    /// At their first login, because the operator's rules let them in.
    Admission,
    /// The person, who proved to be both.
    Link,
}

impl AccountOrigin {
    pub const ALL: [Self; 2] = [Self::Admission, Self::Link];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Link => "link",
        }
    }
}

/// Whom a provider may send who is not linked to a person here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdmissionRule {
    /// Nobody new; who was let in before stays.
    #[default]
    Known,
    Anyone,
    /// Whoever meets each list that is not empty.
    Listed {
        /// Of a mail address that the provider verified. The operator says by this that the provider is authoritative for them.
        domains: BTreeSet<String>,
        groups: BTreeSet<String>,
    },
}

/// Why somebody is not let in; for the record, not for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    #[error("no account is linked, and the provider admits nobody new")]
    NobodyNew,
    #[error("there is no mail address that the provider verified")]
    UnverifiedAddress,
    #[error("the mail address is of another domain")]
    OtherDomain,
    #[error("no group of the person is one that is admitted")]
    NoGroup,
}

impl AdmissionRule {
    pub fn admits(&self, claims: &UpstreamClaims) -> Result<(), NotAdmitted> {
        match self {
            Self::Known => Err(NotAdmitted::NobodyNew),
            Self::Anyone => Ok(()),
            Self::Listed { domains, groups } => {
                if !domains.is_empty() {
                    in_domain(domains, claims.verified_email.as_deref())?;
                }
                match groups.is_empty() || !groups.is_disjoint(&claims.groups) {
                    true => Ok(()),
                    false => Err(NotAdmitted::NoGroup),
                }
            }
        }
    }

    /// Whether these groups are enough, where groups alone are known: what else counts was read at the login.
    pub fn admits_groups(&self, groups: &BTreeSet<String>) -> bool {
        match self {
            Self::Known | Self::Anyone => true,
            Self::Listed { groups: listed, .. } => listed.is_empty() || !listed.is_disjoint(groups),
        }
    }

    /// At each login of somebody who is known: who was let in by a rule is let in as long as it holds. Whoever was linked proved to be
    /// a person here, whom no rule of a provider let in.
    pub fn still_admits(
        &self,
        origin: AccountOrigin,
        claims: &UpstreamClaims,
    ) -> Result<(), NotAdmitted> {
        match (self, origin) {
            (Self::Known, _) | (_, AccountOrigin::Link) => Ok(()),
            (_, AccountOrigin::Admission) => self.admits(claims),
        }
    }
}

/// The domain itself: one below it may be somebody else's.
fn in_domain(domains: &BTreeSet<String>, address: Option<&str>) -> Result<(), NotAdmitted> {
    let address = address.ok_or(NotAdmitted::UnverifiedAddress)?;
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    match domain.is_some_and(|domain| domains.contains(domain)) {
        true => Ok(()),
        false => Err(NotAdmitted::OtherDomain),
    }
}

/// The address of an ID token, if the provider says that it verified it.
pub fn verified_email(claimed: Option<&str>, verified: Option<bool>) -> Option<String> {
    let claimed = claimed.filter(|_| verified == Some(true));
    claimed.and_then(email::claimed)
}

/// The session at the provider, as an ID token or a logout token names it: an empty name, and one that is too long to keep, is none.
pub fn session_name(sid: Option<String>) -> Result<Option<String>, &'static str> {
    let sid = sid.filter(|sid| (1..=LONGEST_SUBJECT).contains(&sid.len()));
    match sid
        .as_ref()
        .is_some_and(|sid| sid.contains(char::is_control))
    {
        true => Err("`sid` has a control character"),
        false => Ok(sid),
    }
}

/// `sub` (OpenID Connect Core section 2).
pub fn is_subject(sub: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&sub.len())
        && sub.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Which `acr` and `amr` of a provider count as level `passkey`; anything else is `password`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LevelRule {
    pub passkey_acr: BTreeSet<String>,
    pub passkey_amr: BTreeSet<String>,
}

/// What shows that a login there was made now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FreshProof {
    /// The provider says when it was (`auth_time`).
    #[default]
    AuthTime,
    /// Nothing: of a provider that does not say it, the operator lets the answer to `prompt` be enough.
    Asked,
}

impl UpstreamClaims {
    /// When the person proved who they are there, if that was since this server asked, at `asked_at` and with `max_age=0`, for which the
    /// provider must say it (OpenID Connect Core sections 2 and 3.1.2.1). Any other login is no proof of who is there now. A time that
    /// is said counts in any case.
    pub fn proved_at(
        &self,
        proof: FreshProof,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match (self.auth_time, proof) {
            (Some(at), _) => (at.plus(CLOCKS_APART) >= asked_at).then(|| at.min(now)),
            (None, FreshProof::Asked) => Some(now),
            (None, FreshProof::AuthTime) => None,
        }
    }
}

impl LevelRule {
    pub fn level(&self, claims: &UpstreamClaims) -> Level {
        let by_acr = claims.acr.as_ref();
        let by_acr = by_acr.is_some_and(|acr| self.passkey_acr.contains(acr));
        let by_amr = !self.passkey_amr.is_disjoint(&claims.amr);
        match by_acr || by_amr {
            true => Level::Passkey,
            false => Level::Password,
        }
    }
}

/// Names for somebody new, in the order in which they are tried. Each ends with the provider's name, so that nobody there takes a name
/// that an operator gave, and shows to whoever reads it from where the person comes.
pub fn user_names(provider: &str, issuer: &str, claims: &UpstreamClaims) -> Vec<String> {
    let said = claims.preferred_username.as_deref();
    let said = said.or(claims.verified_email.as_deref());
    let local = local_name(said.unwrap_or_default());
    let digest = hash::digest_text(&[issuer.as_bytes(), claims.subject.as_bytes()]);
    let digest: String = digest.chars().take(DIGEST_LETTERS).collect();
    let namesakes = (2..=MOST_NAMESAKES).map(|number| format!("{local}-{number}"));
    let said = std::iter::once(local.clone()).chain(namesakes);
    let said = said.filter(|_| !local.is_empty());
    said.chain([format!("u-{digest}")])
        .map(|name| format!("{name}@{provider}"))
        .collect()
}

/// Before the first `@`, in lower case, and only letters that look like no others. It begins with a letter or digit, so that no command
/// takes it for an option.
fn local_name(said: &str) -> String {
    let local = said.split('@').next().unwrap_or_default();
    let letters = local.chars().map(|c| c.to_ascii_lowercase());
    let letters = letters.filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c));
    let letters = letters.skip_while(|c| !c.is_ascii_alphanumeric());
    letters.take(LONGEST_LOCAL_NAME).collect()
}

pub mod groups;
pub mod logout;

#[cfg(test)]
mod tests;
