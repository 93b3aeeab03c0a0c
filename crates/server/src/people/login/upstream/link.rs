//! `/app/upstream`: a person links an account at a provider to theirs here. It opens a way in, so it begins with the strongest proof that the
//! person has, given for this very act, and ends in that browser (docs/upstream.md). What they linked they remove by a tap.

use axum::response::{IntoResponse, Response};
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::upstream::AccountOrigin;
use writ_pages::{
    LinkedView, LinkingProblem, LinkingProof, LoginProblem, UpstreamPage, UpstreamView,
};
use writ_store::upstream_account::{
    EndedSessions, MAX_UPSTREAM_ACCOUNTS, UpstreamAccount, UpstreamSubject,
};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use super::account::ProvenThere;
use super::{provider, to_provider};
use crate::config::UpstreamProvider;
use crate::notifications::account_notice::upstream_linked;
use crate::people::error::{PageError, StepError};
use crate::people::login::{Destination, offered};
use crate::people::passkeys::{Act, by_passkey, can_prove_by_passkey};
use crate::people::password::{PasswordProblem, check_own};
use crate::people::redirect::see_other;
use crate::people::request::{PostedForm, SignedIn, Visitor};

pub(super) const PATH: &str = "/app/upstream";

type Linking<T> = Result<T, StepError<LinkingProblem>>;

pub(super) async fn show(visitor: Visitor) -> Result<Response, PageError> {
    page(visitor.signed_in(PATH)?, None).await
}

/// The proof first, then the way to the provider.
pub(super) async fn begin(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let provider = provider(person.app, form.required("upstream")?)?;
    let begun = match prove(person, provider, form).await {
        Ok(()) => {
            let back = Destination {
                request: None,
                next: Some(PATH.to_owned()),
            };
            let links = Some(person.id().clone());
            let way = to_provider(&posted.visitor, provider, (back, links)).await;
            way.map_err(|error| error.map(LinkingProblem::Provider))
        }
        Err(error) => Err(error),
    };
    or_page(person, begun).await
}

pub(super) async fn or_page(
    person: SignedIn<'_>,
    done: Linking<Response>,
) -> Result<Response, PageError> {
    match done {
        Ok(response) => Ok(response),
        Err(error) => page(person, Some(error.problem()?)).await,
    }
}

async fn prove(person: SignedIn<'_>, provider: &UpstreamProvider, form: &Form) -> Linking<()> {
    match strongest(person).await? {
        LinkingProof::Passkey => {
            let mut transaction = person.begin_change().await?;
            let act = Act::link_upstream(&provider.name);
            let proof = by_passkey(person, &mut transaction, &act, form).await?;
            // Its challenge is used up in any case.
            transaction.commit().await?;
            let proof = proof.map(drop);
            proof.ok_or(StepError::Problem(LinkingProblem::Passkey))
        }
        LinkingProof::Password => {
            let password = form.optional("password")?.unwrap_or_default();
            let checked = check_own(person, password).await.map(drop);
            checked.map_err(|error| {
                let problem = error.map(PasswordProblem::at_settings);
                problem.map(LinkingProblem::Password)
            })
        }
        LinkingProof::Nothing => Err(StepError::Problem(LinkingProblem::NothingToProveBy)),
    }
}

async fn strongest(person: SignedIn<'_>) -> Result<LinkingProof, StoreError> {
    if can_prove_by_passkey(person).await? {
        return Ok(LinkingProof::Passkey);
    }
    let stored = person.app.read().await?.user_by_id(person.id()).await?;
    Ok(match stored.is_some_and(|stored| stored.has_password()) {
        true => LinkingProof::Password,
        false => LinkingProof::Nothing,
    })
}

/// Back from the provider, still signed in as who began.
pub(super) async fn finish(
    person: SignedIn<'_>,
    proven: ProvenThere<'_>,
    links: &UserId,
) -> Linking<Response> {
    let (app, session) = (person.app, person.browser.digest());
    let now = app.clock.now();
    // A proof of before a reset links nothing after it.
    let began = app.begin_change(links, &session).await?;
    let Some(mut transaction) = began.filter(|_| person.id() == links) else {
        let expired = LinkingProblem::Provider(LoginProblem::Expired);
        return Err(StepError::Problem(expired));
    };
    let accounts = transaction.upstream_accounts_of(links).await?;
    let subject = proven.subject();
    if is_among(&accounts, subject) {
        return Ok(see_other(PATH));
    }
    if accounts.len() >= MAX_UPSTREAM_ACCOUNTS {
        return Err(StepError::Problem(LinkingProblem::TooMany));
    }
    let written = transaction.insert_upstream_account(subject, links, AccountOrigin::Link, now);
    if !written.await? {
        return Err(StepError::Problem(LinkingProblem::Taken));
    }
    record(person, &mut transaction, proven.provider, "linked").await?;
    upstream_linked(&app.outbox(), &mut transaction, links).await?;
    transaction.commit().await?;
    app.notices.wake();
    Ok(see_other(PATH))
}

fn is_among(accounts: &[UpstreamAccount], subject: UpstreamSubject<'_>) -> bool {
    let mut accounts = accounts.iter();
    accounts.any(|one| one.issuer == subject.issuer && one.subject == subject.subject)
}

/// What the person linked there; the sessions that it opened end with it.
pub(super) async fn remove(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let provider = provider(person.app, form.required("upstream")?)?;
    let (user, now) = (person.id(), person.app.clock.now());
    let mut transaction = person.begin_change().await?;
    let removed = transaction
        .remove_upstream_links(user, &provider.issuer)
        .await?;
    if removed > 0 {
        let theirs = (user, provider.issuer.as_str());
        let sessions = transaction.end_upstream_sessions(theirs, EndedSessions::All, now);
        sessions.await?;
        record(person, &mut transaction, provider, "removed").await?;
    }
    transaction.commit().await?;
    Ok(see_other(PATH))
}

async fn record(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    provider: &UpstreamProvider,
    state: &str,
) -> Result<(), StoreError> {
    let (app, now) = (person.app, person.app.clock.now());
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(person.id().as_str())
        .with(json!({ "by": "subject", "setting": "upstream", "state": state, "upstream": provider.issuer }));
    transaction.insert_event(&event).await
}

async fn page(
    person: SignedIn<'_>,
    problem: Option<LinkingProblem>,
) -> Result<Response, PageError> {
    let app = person.app;
    let accounts = app.read().await?.upstream_accounts_of(person.id()).await?;
    let upstreams = app.config.upstreams.iter().map(|provider| UpstreamView {
        provider: offered(provider),
        account: linked(provider, &accounts),
    });
    let page = UpstreamPage {
        upstreams: upstreams.collect(),
        person: person.frame().await?,
        proof: strongest(person).await?,
        problem,
    };
    let texts = person.texts().await?;
    Ok(page.page(&texts).into_http().into_response())
}

/// Of several accounts at one provider the one by which the person came, else the first.
fn linked(provider: &UpstreamProvider, accounts: &[UpstreamAccount]) -> Option<LinkedView> {
    let there = accounts.iter().filter(|one| one.issuer == provider.issuer);
    let shown = there.min_by_key(|one| (one.origin == AccountOrigin::Link, one.linked_at))?;
    Some(LinkedView {
        since: shown.linked_at,
        last_login: shown.last_login_at,
        removable: shown.origin == AccountOrigin::Link,
    })
}
