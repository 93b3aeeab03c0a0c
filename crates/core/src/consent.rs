//! A person's decision becomes a task, a consent, the first delegation and a code.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use writ_authority::{Authority, Level};
use writ_jose::hash;
use writ_wire::claims::{ApprovalBasis, DecidedBy};
use writ_wire::error::ErrorCode;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::client::{Client, User};
use crate::code::{CODE_LIFETIME, NewCode};
use crate::delegation::{self, Delegation};
use crate::guest::{self, GuestLifetime};
use crate::id::{ApprovalId, ConsentId, DelegationId, TaskId, TransactionId, UserId};
use crate::oauth_error::OAuthError;
use crate::onward::Onward;
use crate::realm::{DecisionContext, Realm};
use crate::remembered::SkippedConsent;
use crate::request::{PreparedRequest, longest_task};
use crate::screen::{self, ScreenError};
use crate::task::{Approval, PersonAuthentication, Subject, Task, level_of};

/// What a person said yes to: opaque names of the parts shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// `ref` of details, and `scope_name(...)` of scopes.
    pub parts: BTreeSet<String>,
    /// For how long, where the page asks: of a guest.
    pub lifetime: Option<GuestLifetime>,
}

/// Names and secrets for what is made, drawn by the caller.
pub struct ConsentIds {
    pub task: TaskId,
    pub delegation: DelegationId,
    pub consent: ConsentId,
    pub approval: ApprovalId,
    pub transaction: TransactionId,
    pub salt: String,
    /// Digest of the code.
    pub code_digest: String,
}

/// A consent page as it is kept for one person from the moment it is shown: a click counts for exactly this page. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentScreen {
    pub user: UserId,
    /// base64url of [`screen::NONCE_BYTES`] random bytes: nobody can name a page that they were not given.
    pub nonce: String,
    /// When this person was first shown the request.
    pub since: Timestamp,
    /// When the task ends, as the page says.
    pub ends_at: Timestamp,
    /// All of what can be granted: the words are made from it.
    pub authority: Authority,
    /// To whom an agent may pass it on.
    pub onward: Onward,
    pub redirect_uri: String,
    /// Every line of the page.
    pub text: String,
    pub locale: String,
}

impl ConsentScreen {
    /// The name of this page in its form: SHA-256 over the nonce and the canonical JSON (RFC 8785) of all of it, base64url.
    pub fn hash(&self) -> Result<String, ScreenError> {
        let text = serde_json_canonicalizer::to_string(self)
            .map_err(|e| ScreenError::Malformed(e.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(screen::challenge(&self.nonce, &text)?))
    }
}

/// To be written in one transaction.
pub struct GrantedConsent {
    pub task: Task,
    pub delegation: Delegation,
    pub consent: Consent,
    pub code: NewCode,
    /// Whether less was granted than asked.
    pub narrowed: bool,
}

/// One row of `consents`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: ConsentId,
    /// What the person saw, as it is kept.
    pub shown: String,
    /// base64url SHA-256 of the text.
    pub shown_hash: String,
    pub locale: String,
    pub method: &'static str,
    pub at: Timestamp,
}

/// Who decides, and how they were authenticated.
pub struct ConsentGiver<'a> {
    pub user: &'a User,
    pub authentication: PersonAuthentication,
}

/// What a person was asked, and what they answered.
#[derive(Clone, Copy)]
pub struct ConsentFacts<'a> {
    pub prepared: &'a PreparedRequest,
    pub client: &'a Client,
    pub giver: &'a ConsentGiver<'a>,
    pub chosen: &'a Chosen,
    pub screen: &'a ConsentScreen,
    /// Nobody was asked: why.
    pub skipped: Option<SkippedConsent>,
}

/// The person approves, all of it or less.
pub fn approve(
    facts: ConsentFacts<'_>,
    context: DecisionContext<'_>,
    ids: ConsentIds,
) -> Result<GrantedConsent, OAuthError> {
    let ConsentFacts {
        prepared,
        giver,
        chosen,
        screen,
        ..
    } = facts;
    let now = context.now;
    if giver.user.disabled {
        return Err(OAuthError::new(
            ErrorCode::AccessDenied,
            "the person may not approve anything now",
        ));
    }
    let authority = choose(&prepared.authority, chosen);
    if authority.is_empty() {
        return Err(denied());
    }
    if screen.ends_at <= now {
        return Err(denied().because("the task would be over before it begins"));
    }
    let ends_at = chosen_end(facts, context.realm)?;
    Ok(granted(facts, authority, ends_at, context, ids))
}

/// What follows from a yes to this authority, until then.
pub(crate) fn granted(
    facts: ConsentFacts<'_>,
    authority: Authority,
    ends_at: Timestamp,
    context: DecisionContext<'_>,
    ids: ConsentIds,
) -> GrantedConsent {
    let ConsentFacts {
        prepared,
        client,
        giver,
        screen,
        skipped,
        ..
    } = facts;
    let now = context.now;
    let narrowed = authority != prepared.authority;
    let task = Task {
        expires_at: ends_at,
        ..task(facts, authority, now, &ids)
    };
    let delegation = root(&task, facts, context, &ids);
    let code = NewCode {
        digest: ids.code_digest,
        client: client.id.clone(),
        delegation: delegation.id.clone(),
        redirect_uri: prepared.redirect_uri.clone(),
        code_challenge: prepared.request.code_challenge.clone(),
        jkt: prepared.jkt.clone(),
        nonce: prepared.request.nonce.clone(),
        created_at: now,
        expires_at: now.plus(CODE_LIFETIME),
    };
    let consent = Consent {
        id: ids.consent,
        shown_hash: hash::digest_text(&[screen.text.as_bytes()]),
        shown: screen.text.clone(),
        locale: screen.locale.clone(),
        method: skipped.map_or_else(|| method(&giver.authentication), SkippedConsent::method),
        at: now,
    };
    GrantedConsent {
        task,
        delegation,
        consent,
        code,
        narrowed,
    }
}

/// A guest's task ends as the person chose; everybody else's as the page said.
fn chosen_end(facts: ConsentFacts<'_>, realm: Realm<'_>) -> Result<Timestamp, OAuthError> {
    if !facts.client.is_guest() {
        return Ok(facts.screen.ends_at);
    }
    let lifetime = facts.chosen.lifetime.unwrap_or_default();
    if !guest::offered_lifetimes(facts.prepared, realm).contains(&lifetime) {
        return Err(OAuthError::invalid_request("a guest may not act so long"));
    }
    Ok(guest_end(facts.prepared, facts.screen.since, lifetime))
}

/// When a guest's task ends that a person is asked about from `since` on; never later than its client asked.
pub fn guest_end(
    prepared: &PreparedRequest,
    since: Timestamp,
    lifetime: GuestLifetime,
) -> Timestamp {
    let chosen = since.plus(lifetime.duration());
    prepared
        .task_expires_at
        .map_or(chosen, |asked| asked.min(chosen))
}

/// The person said no, or nothing was left.
pub fn denied() -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, "the person did not agree")
}

/// How the person showed that it is them, for the record.
pub(crate) fn method(authentication: &PersonAuthentication) -> &'static str {
    match level_of(&authentication.acr) {
        None | Some(Level::None) => "none",
        Some(Level::Password) => "password",
        Some(Level::Passkey) => "passkey",
        Some(Level::Liveness) => "liveness",
    }
}

/// The form value of a scope on the consent page.
pub fn scope_name(resource: &str, scope: &str) -> String {
    format!("scope {scope} {resource}")
}

/// Only the chosen parts; a bare audience is a part of its own, a scope without name.
pub(crate) fn choose(asked: &Authority, chosen: &Chosen) -> Authority {
    let has = |name: &str| chosen.parts.contains(name);
    let scopes: BTreeSet<_> = asked
        .scopes()
        .iter()
        .filter(|s| has(&scope_name(s.resource.as_str(), &s.scope)))
        .cloned()
        .collect();
    let details: Vec<_> = asked
        .details()
        .iter()
        .filter(|d| d.reference().is_some_and(has))
        .cloned()
        .collect();
    let bare = asked
        .resources()
        .iter()
        .filter(|uri| is_bare(asked, uri))
        .filter(|uri| has(&scope_name(uri.as_str(), "")))
        .cloned()
        .collect();
    Authority::new(scopes, details, bare)
}

/// An audience with neither scope nor object.
pub fn is_bare(authority: &Authority, audience: &ResourceUri) -> bool {
    let view = authority.view(audience);
    view.scopes().is_empty() && view.details().is_empty()
}

fn task(facts: ConsentFacts<'_>, authority: Authority, now: Timestamp, ids: &ConsentIds) -> Task {
    Task {
        id: ids.task.clone(),
        subject: Subject::Person(facts.giver.user.id.to_string()),
        client: facts.client.id.clone(),
        purpose: facts.prepared.purpose.clone(),
        authority,
        salt: ids.salt.clone(),
        transaction: ids.transaction.clone(),
        approval: Approval {
            id: ids.approval.clone(),
            basis: facts
                .skipped
                .map_or(ApprovalBasis::Consent, SkippedConsent::basis),
            at: now,
            authentication: Some(facts.giver.authentication.clone()),
            transaction: None,
            by: Some(DecidedBy::Subject),
            people: 1,
            designation: None,
        },
        created_at: now,
        expires_at: facts.screen.ends_at,
    }
}

/// When a task ends that a person is asked about from `since` on: as the client asked, else after its usual life.
pub fn ends_at(prepared: &PreparedRequest, client: &Client, since: Timestamp) -> Timestamp {
    let lifetime = client.task_lifetime.min(longest_task(client));
    if client.is_guest() {
        return guest_end(prepared, since, GuestLifetime::default());
    }
    prepared
        .task_expires_at
        .unwrap_or_else(|| since.plus(lifetime))
}

fn root(
    task: &Task,
    facts: ConsentFacts<'_>,
    context: DecisionContext<'_>,
    ids: &ConsentIds,
) -> Delegation {
    let client = facts.client;
    let id = ids.delegation.clone();
    let issuer = context.realm.issuer.as_str();
    let act = match &client.guest {
        Some(guest) => {
            let profile = guest::profile(guest, &facts.prepared.redirect_uri);
            Some(delegation::guest_act(issuer, &client.id, &id, profile))
        }
        None => client
            .is_agent()
            .then(|| delegation::act(issuer, &client.id, &id, None)),
    };
    Delegation {
        path: delegation::path(None, &id),
        id,
        task: task.id.clone(),
        parent: None,
        asked_by: None,
        approval: None,
        holder: client.id.clone(),
        requested_by: client.id.clone(),
        authority: task.authority.clone(),
        onward: client
            .agent
            .as_ref()
            .map_or_else(Onward::nobody, |a| a.onward.clone()),
        act,
        jkt: facts.prepared.jkt.clone(),
        created_at: context.now,
        expires_at: task.expires_at,
    }
}
