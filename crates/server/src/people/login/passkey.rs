//! Login with a passkey (WebAuthn section 7.2): the device names the person, so no name is typed. One attempt with a known passkey
//! for each challenge; of an unknown one nothing is kept.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use writ_authority::Level;
use writ_core::authorize::OpenedBy;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_pages::LoginProblem;
use writ_passkey::{
    PasskeyError, RelyingParty, UnverifiedCredential, VerifiedLogin, challenge_of,
    unverified_credential,
};
use writ_store::DatabaseTransaction;
use writ_store::StoreError;
use writ_store::user::StoredUser;
use writ_wire::form::Form;
use writ_wire::strict_json;

use super::entrance::{Destination, Entrance};
use super::{Again, ChallengeFor, challenge, local, page};
use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::people::error::{PageError, StepError};
use crate::people::passkeys::retire;
use crate::people::request::{PostedForm, Visitor};

/// The challenge for a login, for whoever it will be.
pub async fn options(posted: PostedForm) -> Result<Response, PageError> {
    posted.checked_for_script()?;
    begin(&posted.visitor, ChallengeFor::Login)
}

/// Asks whatever device is there, so it names nobody.
pub(in crate::people) fn begin(
    visitor: &Visitor,
    what: ChallengeFor<'_>,
) -> Result<Response, PageError> {
    let Visitor { app, browser, .. } = visitor;
    let relying_party = app.relying_party_for_script()?;
    let challenge = challenge::make(app, browser, what).map_err(PageError::broken)?;
    let began = relying_party.start_login(&challenge);
    let began = began.map_err(PageError::broken)?;
    Ok(json_answer(StatusCode::OK, &began.options))
}

pub async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let (visitor, form) = (&posted.visitor, posted.unchecked());
    let destination = Destination::of(form)?;
    let entered = match posted.is_ours() {
        true => enter(visitor, form, &destination).await,
        false => Err(StepError::Problem(LoginProblem::Expired)),
    };
    match entered {
        Ok(response) => Ok(response),
        Err(error) => page(visitor, &destination, Again::after(error.problem()?)).await,
    }
}

/// In one transaction with the proof.
async fn enter(
    visitor: &Visitor,
    form: &Form,
    destination: &Destination,
) -> Result<Response, StepError<LoginProblem>> {
    let app = &*visitor.app;
    let (mut transaction, person) = prove(visitor, form, ChallengeFor::Login).await?;
    if let Err(refused) = local::admit(visitor, &person.user.id) {
        // The challenge is used up in any case.
        transaction.commit().await?;
        return Err(refused);
    }
    let entrance = Entrance {
        visitor,
        person: &person,
        proof: OpenedBy::Passkey.into(),
        destination,
        at: app.clock.now(),
    };
    let fresh = entrance.open_session(app, &mut transaction).await?;
    transaction.commit().await?;
    Ok(entrance.go_on(app, &fresh)?)
}

/// Who proves to be there by a passkey, whose answer to the challenge of this browser for this very act is in `assertion`; the caller
/// commits. A known passkey uses the challenge up whether its answer is good or not.
pub(in crate::people) async fn prove(
    visitor: &Visitor,
    form: &Form,
    what: ChallengeFor<'_>,
) -> Result<(DatabaseTransaction, StoredUser), StepError<LoginProblem>> {
    let app = &*visitor.app;
    let failed = StepError::Problem(LoginProblem::PasskeyFailed);
    let Some(answer) = Answer::of(form) else {
        return Err(failed);
    };
    let mut transaction = app.begin().await?;
    let login = match check(visitor, &mut transaction, &answer, what).await? {
        Checked::Verified(login) => login,
        Checked::Failed(failure) => {
            let problem = failure.problem;
            if failure.user.is_none() {
                admit_unknown(visitor)?;
            }
            failure.record(app, &mut transaction).await?;
            transaction.commit().await?;
            app.notices.wake();
            app.metrics.login("failed");
            return Err(StepError::Problem(problem));
        }
    };
    let (now, used) = (app.clock.now(), &login.used);
    let still_there =
        transaction.use_passkey(&used.credential_id, &login.before, &used.passkey, now);
    match still_there.await? {
        true => Ok((transaction, login.person)),
        false => Err(failed),
    }
}

/// Anybody can send answers of no passkey: too many of one address are not even counted in the database.
fn admit_unknown(visitor: &Visitor) -> Result<(), PageError> {
    let (app, now) = (&visitor.app, visitor.app.clock.now());
    let admitted = app.strangers.admit_unproved(visitor.address, now);
    admitted.map_err(|too_many| too_many.failure().into())
}

/// The device's answer, and whose it claims to be.
struct Answer {
    text: Value,
    claimed: UnverifiedCredential,
}

impl Answer {
    fn of(form: &Form) -> Option<Self> {
        let text = strict_json::read(form.optional("assertion").ok()??).ok()?;
        let claimed = unverified_credential(&text).ok()?;
        Some(Self { text, claimed })
    }
}

enum Checked {
    Verified(Box<PasskeyLogin>),
    Failed(FailedLogin),
}

/// A person's passkey as it was, and what its use made of it.
struct PasskeyLogin {
    person: StoredUser,
    before: String,
    used: VerifiedLogin,
}

/// Why a login failed. What the person is told is always the same, but to who holds the key.
struct FailedLogin {
    user: Option<User>,
    reason: String,
    problem: LoginProblem,
}

impl Checked {
    /// Without a person.
    fn failed(reason: &str) -> Self {
        Self::Failed(FailedLogin {
            user: None,
            reason: reason.to_owned(),
            problem: LoginProblem::PasskeyFailed,
        })
    }

    fn failed_for(user: User, reason: String) -> Self {
        Self::Failed(FailedLogin {
            user: Some(user),
            reason,
            problem: LoginProblem::PasskeyFailed,
        })
    }
}

impl FailedLogin {
    async fn record(
        self,
        app: &App,
        transaction: &mut DatabaseTransaction,
    ) -> Result<(), StoreError> {
        let now = app.clock.now();
        match self.user {
            Some(user) => {
                let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                    .of_subject(user.id.as_str())
                    .with(json!({ "method": Level::Passkey, "reason": self.reason }));
                transaction.insert_event(&event).await?;
            }
            // Anybody can send answers: counted, not written one row each.
            None => {
                transaction
                    .count_refusal("/login/passkey", "unknown_passkey", now)
                    .await?;
            }
        }
        Ok(())
    }
}

async fn check(
    visitor: &Visitor,
    transaction: &mut DatabaseTransaction,
    answer: &Answer,
    what: ChallengeFor<'_>,
) -> Result<Checked, PageError> {
    let app = &*visitor.app;
    let (Ok(relying_party), Ok(challenge)) = (&app.passkeys, challenge_of(&answer.text)) else {
        return Ok(Checked::failed("no passkeys here"));
    };
    let Some(opened) = challenge::open(app, &visitor.browser, what, &challenge) else {
        return Ok(Checked::failed("the challenge is unknown"));
    };
    let Some(stored) = transaction.passkey(&answer.claimed.credential_id).await? else {
        return Ok(Checked::failed("the passkey is unknown"));
    };
    if !app.config.passkeys.accept(&stored.passkey) {
        return Ok(Checked::failed("the passkey is not bound to its device"));
    }
    let once = std::slice::from_ref(&opened.once);
    if transaction.claim_once(once).await?.is_some() {
        return Ok(Checked::failed("the challenge was used before"));
    }
    // What ends all their sessions comes wholly before this login or after it.
    transaction.hold_user(&stored.user).await?;
    let Some(found) = transaction.user_by_id(&stored.user).await? else {
        return Ok(Checked::failed("the person is unknown"));
    };
    let user = found.user.clone();
    if user.disabled {
        let reason = "the person is disabled".to_owned();
        return Ok(Checked::failed_for(user, reason));
    }
    let ended_at = transaction.others_ended_at(&user.id).await?;
    if ended_at.is_some_and(|ended_at| opened.made_at < ended_at) {
        let reason = "the challenge is older than the end of their sessions".to_owned();
        return Ok(Checked::failed_for(user, reason));
    }
    let began = relying_party.start_login(&opened.challenge);
    let state = began.map_err(PageError::broken)?.state;
    let used = relying_party.finish_login(&state, &answer.text, &stored.passkey);
    let fault = match used {
        Ok(used) => {
            return Ok(Checked::Verified(Box::new(PasskeyLogin {
                person: found,
                before: stored.passkey,
                used,
            })));
        }
        Err(fault) => fault,
    };
    let PasskeyError::EligibilityChanged(id) = &fault else {
        return Ok(Checked::failed_for(user, fault.to_string()));
    };
    retire(app, transaction, &user.id, id).await?;
    Ok(Checked::Failed(FailedLogin {
        user: Some(user),
        reason: fault.to_string(),
        problem: LoginProblem::PasskeyChanged,
    }))
}

impl App {
    /// Who this server is to passkeys; a script of ours is told where it can have none.
    pub fn relying_party_for_script(&self) -> Result<&RelyingParty, PageError> {
        let impossible = |_: &_| PageError::script(StatusCode::NOT_FOUND, "impossible");
        self.passkeys.as_ref().map_err(impossible)
    }
}
