//! What proves, in this very ceremony, that a person adds or removes a passkey, takes a stop or a pause back, or changes their password or where
//! they are written to: one that they have, with user verification, over a challenge for this act alone. For the first passkey it is a code that an operator gave them (`operate/passkey_code.rs`): neither an
//! earlier login nor the password is a proof, because an agent may have seen it.

use std::fmt::Display;

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::hash::{self, digest_text};
use writ_passkey::PasskeyError;
use writ_store::attempts::Admission;
use writ_store::passkey::StoredPasskey;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::device::UserCode;
use writ_wire::form::{Form, FormError};
use writ_wire::time::Timestamp;

use super::accepted::accepted_passkeys;
use super::answer;
use super::ceremony::{CeremonyKind, CeremonyRequest};
use super::first::by_login;
use super::retire;
use crate::node::app::App;
use crate::node::rate_limits::RateLimit;
use crate::operate::passkey_code;
use crate::people::error::PageError;
use crate::people::request::{PostedForm, SignedIn};

/// A proof is for one of these and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvenAct {
    Add,
    Remove {
        credential_id: String,
    },
    /// By the id of the stop.
    UndoStop {
        stop: String,
    },
    /// By the client that may ask again.
    Unpause {
        agent: String,
    },
    /// A setting, by a keyed digest of what is chosen: whoever holds the form back puts nothing else into it.
    Set {
        chosen: String,
    },
    /// By the name of the provider.
    LinkUpstream {
        upstream: String,
    },
    /// In the browser of this session alone.
    OpenConsole,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeProof {
    /// By its digest, which is used up with the enrolment.
    Code(String),
    /// By its credential id.
    Passkey(String),
    /// A login at the provider with this issuer.
    Upstream(String),
}

/// What waits for the device's answer.
#[derive(Serialize, Deserialize)]
struct KeptProof {
    act: ProvenAct,
    state: String,
}

impl ProvenAct {
    /// Of a form: with `setting` that is set, with `stop` or `agent` that stop or pause is taken back, with `upstream` that provider is linked, with
    /// `console` that is opened, with `passkey` that one is removed, without any another one is added.
    fn of(app: &App, form: &Form) -> Result<Self, FormError> {
        if form.optional("setting")?.is_some() {
            return Self::set(app, form);
        }
        if let Some(stop) = form.optional("stop")? {
            return Ok(Self::undo(stop));
        }
        if let Some(agent) = form.optional("agent")? {
            return Ok(Self::unpause(agent));
        }
        if let Some(name) = form.optional("upstream")? {
            return Ok(Self::link_upstream(name));
        }
        if form.optional("console")?.is_some() {
            return Ok(Self::OpenConsole);
        }
        let passkey = form.optional("passkey")?;
        Ok(passkey.map_or(Self::Add, Self::remove))
    }

    pub(in crate::people) fn undo(stop: &str) -> Self {
        Self::UndoStop {
            stop: stop.to_owned(),
        }
    }

    pub(in crate::people) fn unpause(agent: &str) -> Self {
        Self::Unpause {
            agent: agent.to_owned(),
        }
    }

    pub(in crate::people) fn link_upstream(name: &str) -> Self {
        Self::LinkUpstream {
            upstream: name.to_owned(),
        }
    }

    /// What this form of the settings chooses.
    pub(in crate::people) fn set(app: &App, form: &Form) -> Result<Self, FormError> {
        let key = ["setting", DEFAULT_TENANT].join("\0");
        let value = |name| Ok::<_, FormError>(form.optional(name)?.unwrap_or_default().as_bytes());
        let chosen = digest_text(&[
            &app.config.master.derive(&key),
            value("setting")?,
            value("email")?,
            value("new_password")?,
            value("user_code")?,
        ]);
        Ok(Self::Set { chosen })
    }

    pub(super) fn remove(credential_id: &str) -> Self {
        Self::Remove {
            credential_id: credential_id.to_owned(),
        }
    }

    /// Never the challenge of an approval, which begins otherwise, and never twice the same.
    fn challenge(&self, person: SignedIn<'_>) -> Result<[u8; 32], PageError> {
        let act = serde_json::to_string(self).map_err(PageError::broken)?;
        let nonce = person.app.random.secret();
        let text = format!("writ passkeys\n{}\n{act}\n{nonce}", person.user().id);
        Ok(hash::sha256(text.as_bytes()))
    }
}

impl ChangeProof {
    /// Whether it still counts, in the transaction of the change: what a code proves, it proves once, and only for somebody without a passkey.
    pub(super) async fn holds(
        &self,
        person: SignedIn<'_>,
        transaction: &mut DatabaseTransaction,
    ) -> Result<bool, StoreError> {
        let passkeys = accepted_passkeys(person.app, transaction, person.id()).await?;
        let now = person.app.clock.now();
        match self {
            Self::Code(_) if !passkeys.is_empty() => Ok(false),
            Self::Code(digest) => {
                transaction
                    .consume_passkey_code(person.id(), digest, now)
                    .await
            }
            Self::Passkey(id) => Ok(passkeys.iter().any(|one| one.credential_id == *id)),
            Self::Upstream(_) if !passkeys.is_empty() => Ok(false),
            Self::Upstream(issuer) => {
                let login = by_login(person, transaction).await?;
                Ok(login.is_some_and(|counted| counted == *issuer))
            }
        }
    }

    /// As the event says it.
    pub fn recorded(&self) -> Value {
        match self {
            Self::Code(_) => json!("code"),
            Self::Passkey(id) => json!({ "passkey": id }),
            Self::Upstream(issuer) => json!({ "upstream": issuer }),
        }
    }
}

/// The challenge for an act, for one of the passkeys that the person has.
pub async fn options(posted: PostedForm) -> Result<Response, PageError> {
    let request = CeremonyRequest::of(&posted).await?;
    let (person, passkeys) = (request.person, passkeys(request.accepted));
    if passkeys.is_empty() {
        return Err(PageError::script(StatusCode::CONFLICT, "no_passkey"));
    }
    let act = ProvenAct::of(person.app, request.form)?;
    let challenge = act.challenge(person)?;
    let began = request.relying_party.start_approval(challenge, &passkeys);
    let began = began.map_err(PageError::broken)?;
    let kept = KeptProof {
        act,
        state: began.state.clone(),
    };
    CeremonyKind::Prove.begin(person, &began, &kept).await
}

/// By the answer in the form's `assertion`, in the transaction of a change, so that no other request changes this person's passkeys
/// meanwhile. The challenge is used up whatever comes of it; the caller commits. The browser learns only that it did not count; the log says why.
pub async fn by_passkey(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    act: &ProvenAct,
    form: &Form,
) -> Result<Option<ChangeProof>, PageError> {
    let (Some((answer, challenge)), Ok(party)) = (answer(form, "assertion"), &person.app.passkeys)
    else {
        return Ok(None);
    };
    let taken = CeremonyKind::Prove
        .take(person, transaction, &challenge)
        .await?;
    let Some(kept) = taken.filter(|kept: &KeptProof| kept.act == *act) else {
        return Ok(unproven(person, "its challenge is not one for this"));
    };
    let user = &person.user().id;
    let stored = accepted_passkeys(person.app, transaction, user).await?;
    let approved = match party.finish_approval(&kept.state, &answer, &passkeys(stored.clone())) {
        Ok(approved) => approved,
        Err(fault) => {
            if let PasskeyError::EligibilityChanged(id) = &fault {
                retire(person.app, transaction, user, id).await?;
            }
            return Ok(unproven(person, fault));
        }
    };
    let id = approved.assertion.credential_id;
    let before = stored.into_iter().find(|one| one.credential_id == id);
    let before = before.map(|one| one.passkey).unwrap_or_default();
    let now = person.app.clock.now();
    let used = transaction.use_passkey(&id, &before, &approved.passkey, now);
    if !used.await? {
        return Ok(unproven(person, "the passkey changed meanwhile"));
    }
    Ok(Some(ChangeProof::Passkey(id)))
}

fn unproven(person: SignedIn<'_>, why: impl Display) -> Option<ChangeProof> {
    tracing::info!(%why, person = %person.user().id, "a change of passkeys is refused");
    None
}

/// Counted before it is compared, against the browser that tries and against the code: who has stolen a login is paused before the code is worth nothing.
/// The script learns what is wrong, not whether there is a code.
pub(super) async fn by_code(person: SignedIn<'_>, form: &Form) -> Result<ChangeProof, PageError> {
    let refused = |error| PageError::script(StatusCode::FORBIDDEN, error);
    let typed = form
        .optional("code")?
        .ok_or_else(|| refused("needs_code"))?;
    let code = UserCode::parse(typed).ok_or_else(|| refused("wrong_code"))?;
    let (app, now) = (person.app, person.app.clock.now());
    let tries = RateLimit::of_passkey_code(&person.browser.digest(), now);
    if let Admission::PausedUntil(until) = app.admit_attempt(&tries).await? {
        return Err(PageError::paused(now.until(until)));
    }
    match compare_code(person, &code, now).await {
        Ok(Some(digest)) => {
            app.reset_attempts(&tries).await;
            Ok(ChangeProof::Code(digest))
        }
        Ok(None) => Err(refused("wrong_code")),
        Err(error) => {
            app.owe_attempts([&tries]);
            Err(error)
        }
    }
}

/// The digest of the right code. What is counted against the code is counted by the transaction that compares it.
async fn compare_code(
    person: SignedIn<'_>,
    code: &UserCode,
    now: Timestamp,
) -> Result<Option<String>, PageError> {
    let (app, user) = (person.app, person.id());
    let digest = passkey_code::digest_of(&app.config.master, user, code);
    let mut transaction = person.begin_change().await?;
    let stored = transaction.try_passkey_code(user, now).await?;
    let right =
        stored.is_some_and(|stored| hash::constant_time_eq(stored.as_bytes(), digest.as_bytes()));
    if right {
        transaction.forgive_passkey_code(user, &digest).await?;
    } else {
        let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
            .of_subject(user.as_str())
            .with(json!({ "method": "passkey_code" }));
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    Ok(right.then_some(digest))
}

fn passkeys(stored: Vec<StoredPasskey>) -> Vec<String> {
    stored.into_iter().map(|one| one.passkey).collect()
}
