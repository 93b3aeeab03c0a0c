//! Who somebody at a provider is here: found by issuer and subject alone, made at the first login where the operator's rules let them in. A
//! person who is disabled or was removed here stays so, whatever the provider says.

use axum::response::Response;
use serde_json::json;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::upstream::logout::LogoutMarks;
use writ_core::upstream::{AccountOrigin, NotAdmitted, UpstreamClaims, user_names};
use writ_pages::LoginProblem;
use writ_store::session::UpstreamSession;
use writ_store::upstream_account::{EndedSessions, UpstreamAccount, UpstreamSubject};
use writ_store::user::{NO_PASSWORD, StoredUser};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::Step;
use super::sealed::SealedLogin;
use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::node::upstream::RedeemedUpstreamCode;
use crate::operate::upstream_groups::{GroupsOf, forget_groups};
use crate::people::error::{PageError, StepError};
use crate::people::login::entrance::{Entrance, LoginProof, UpstreamProof};
use crate::people::request::Visitor;
use crate::people::sign_out_there;

/// Whoever finds that another request changed the account reads it then.
const TRIES: usize = 2;

/// Somebody whom a provider proved.
#[derive(Clone, Copy)]
pub(super) struct ProvenThere<'a> {
    pub(super) provider: &'a UpstreamProvider,
    pub(super) redeemed: &'a RedeemedUpstreamCode,
    /// With what this server asked there.
    pub(super) login: &'a SealedLogin,
}

impl<'a> ProvenThere<'a> {
    const fn claims(self) -> &'a UpstreamClaims {
        &self.redeemed.claims
    }

    pub(super) fn subject(self) -> UpstreamSubject<'a> {
        UpstreamSubject {
            issuer: &self.provider.issuer,
            subject: &self.claims().subject,
        }
    }

    /// When they proved it; a login of before the question proves nothing here.
    pub(super) fn proved_at(self, now: Timestamp) -> Step<Timestamp> {
        let proof = self.provider.fresh;
        let at = self.claims().proved_at(proof, self.login.asked_at(), now);
        at.ok_or(StepError::Problem(LoginProblem::UpstreamNotFresh))
    }
}

/// What becomes of somebody whom the provider proved.
enum Found {
    Person(StoredUser),
    /// Known here, and not let in.
    Shut(UserId, String),
    /// Nobody here.
    Stranger(NotAdmitted),
    /// Known here, and signed out since this server asked.
    Over,
    /// Another request changed the account at this moment.
    Meanwhile,
}

/// A session, and on to where the person wanted to go.
pub(super) async fn enter(visitor: &Visitor, proven: ProvenThere<'_>) -> Step<Response> {
    let (provider, claims) = (proven.provider, proven.claims());
    let app = &*visitor.app;
    let now = app.clock.now();
    let authenticated_at = proven.proved_at(now)?;
    let (mut transaction, person) = person(app, proven).await?;
    let there = UpstreamProof {
        session: UpstreamSession {
            issuer: &provider.issuer,
            sid: claims.sid.as_deref(),
        },
        level: provider.levels.level(claims),
        authenticated_at,
    };
    let entrance = Entrance {
        visitor,
        person: &person,
        proof: LoginProof::Upstream(there),
        destination: &proven.login.destination,
        at: now,
    };
    let fresh = entrance.open_session(app, &mut transaction).await?;
    let id_token = proven.redeemed.id_token.as_str();
    sign_out_there::keep(app, &mut transaction, &fresh.digest(), id_token).await?;
    let of = GroupsOf {
        provider,
        subject: &claims.subject,
        user: &person.user.id,
    };
    of.read_at_login(app, &mut transaction, proven.redeemed)
        .await?;
    transaction.commit().await?;
    Ok(entrance.go_on(app, &fresh)?)
}

/// In the transaction that the caller commits.
async fn person(app: &App, proven: ProvenThere<'_>) -> Step<(DatabaseTransaction, StoredUser)> {
    for _ in 0..TRIES {
        let mut transaction = app.begin().await?;
        if was_logged_out(&mut transaction, proven).await? {
            return Err(StepError::Problem(LoginProblem::Expired));
        }
        match find(app, &mut transaction, proven).await? {
            Found::Person(person) => return Ok((transaction, person)),
            Found::Meanwhile => {}
            Found::Over => return Err(StepError::Problem(LoginProblem::Expired)),
            Found::Shut(user, why) => {
                let (now, issuer) = (app.clock.now(), proven.provider.issuer.as_str());
                // Whom the provider's rules let in no more stays in nowhere that it opened.
                let ended =
                    transaction.end_upstream_sessions(&user, issuer, EndedSessions::All, now);
                let ended = ended.await?.len();
                forget_groups(app, &mut transaction, (&user, issuer)).await?;
                let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                    .of_subject(user.as_str())
                    .with(
                        json!({ "method": "upstream", "upstream": issuer, "reason": why, "sessions_ended": ended }),
                    );
                transaction.insert_event(&event).await?;
                transaction.commit().await?;
                return Err(StepError::Problem(LoginProblem::UpstreamNotAdmitted));
            }
            Found::Stranger(why) => {
                tracing::info!(provider = proven.provider.name, %why, "somebody is not admitted");
                return Err(StepError::Problem(LoginProblem::UpstreamNotAdmitted));
            }
        }
    }
    Err(StepError::Page(PageError::broken(
        "no person could be made for an account at a provider",
    )))
}

async fn find(
    app: &App,
    transaction: &mut DatabaseTransaction,
    proven: ProvenThere<'_>,
) -> Result<Found, StoreError> {
    if let Some(account) = transaction.upstream_account(proven.subject()).await? {
        return known(app, transaction, proven, account).await;
    }
    match proven.provider.admission.admits(proven.claims()) {
        Ok(()) => admit(app, transaction, proven).await,
        Err(why) => Ok(Found::Stranger(why)),
    }
}

async fn known(
    app: &App,
    transaction: &mut DatabaseTransaction,
    proven: ProvenThere<'_>,
    account: UpstreamAccount,
) -> Result<Found, StoreError> {
    let user = account.user;
    // What shuts them out at this moment comes wholly before this login or after it.
    transaction.hold_user(&user).await?;
    let stored = transaction.user_by_id(&user).await?;
    let stored = stored.filter(|stored| !stored.user.disabled && !stored.removed);
    let Some(stored) = stored else {
        return Ok(Found::Shut(user, "the person is disabled".to_owned()));
    };
    let rule = &proven.provider.admission;
    if let Err(why) = rule.still_admits(account.origin, proven.claims()) {
        return Ok(Found::Shut(user, why.to_string()));
    }
    if is_over(transaction, proven, &user).await? {
        return Ok(Found::Over);
    }
    let (subject, now) = (proven.subject(), app.clock.now());
    match transaction
        .use_upstream_account(subject, &user, now)
        .await?
    {
        true => Ok(Found::Person(stored)),
        false => Ok(Found::Meanwhile),
    }
}

/// Whether the provider said that they signed out there since this server asked, whoever they are here and if they are anybody.
async fn was_logged_out(
    transaction: &mut DatabaseTransaction,
    proven: ProvenThere<'_>,
) -> Result<bool, StoreError> {
    let (login, claims) = (proven.login, proven.claims());
    let marks = LogoutMarks {
        issuer: &proven.provider.issuer,
        subject: &claims.subject,
        sid: claims.sid.as_deref(),
    };
    for digest in marks.of_login() {
        let at = transaction.hold_upstream_logout(&digest, login.marked_until());
        if at.await?.is_some_and(|at| login.asked_at() < at) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether all their sessions were ended since this server asked, or one that this provider opened: an answer that somebody held back
/// undoes neither.
async fn is_over(
    transaction: &mut DatabaseTransaction,
    proven: ProvenThere<'_>,
    user: &UserId,
) -> Result<bool, StoreError> {
    let asked_at = proven.login.asked_at();
    let ended_at = transaction.others_ended_at(user).await?;
    if ended_at.is_some_and(|ended_at| asked_at < ended_at) {
        return Ok(true);
    }
    let issuer = &proven.provider.issuer;
    let ended = transaction.upstream_session_ended_since(user, issuer, asked_at);
    ended.await
}

/// Somebody new.
async fn admit(
    app: &App,
    transaction: &mut DatabaseTransaction,
    proven: ProvenThere<'_>,
) -> Result<Found, StoreError> {
    let (provider, claims) = (proven.provider, proven.claims());
    let (subject, now) = (proven.subject(), app.clock.now());
    let id = UserId::make(now, app.entropy());
    let origin = AccountOrigin::Admission;
    let written = transaction.insert_upstream_account(subject, &id, origin, now);
    if !written.await? {
        return Ok(Found::Meanwhile);
    }
    transaction.use_upstream_account(subject, &id, now).await?;
    for name in user_names(&provider.name, &provider.issuer, claims) {
        let user = User::new(id.clone(), name);
        if !transaction.insert_user(&user, NO_PASSWORD, now).await? {
            continue;
        }
        let event = Event::new(app.event_id(now), now, EventName::UserAdded)
            .of_subject(id.as_str())
            .with(json!({ "by": "upstream", "name": user.name, "upstream": provider.issuer }));
        transaction.insert_event(&event).await?;
        return Ok(match transaction.user_by_id(&id).await? {
            Some(stored) => Found::Person(stored),
            None => Found::Meanwhile,
        });
    }
    Ok(Found::Meanwhile)
}
