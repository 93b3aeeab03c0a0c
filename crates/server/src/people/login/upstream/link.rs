//! `/app/upstream`: a person links an account at a provider to theirs here. It opens a way in, so it begins with the strongest proof that the
//! person has, given for this very act, and ends in that browser (docs/upstream.md). What they linked they remove by a tap.

use axum::response::{IntoResponse, Response};
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::upstream::AccountOrigin;
use writ_pages::{
    LinkedView, LinkingProblem, LinkingProof, LoginProblem, OfferedUpstream, UpstreamPage,
    UpstreamView,
};
use writ_store::upstream_account::{EndedSessions, MAX_UPSTREAM_ACCOUNTS, UpstreamAccount};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use super::account::ProvenThere;
use super::{provider, to_provider};
use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::notifications::account_notice::upstream_linked;
use crate::operate::upstream_groups::forget_groups;
use crate::people::error::{PageError, StepError};
use crate::people::login::{Destination, offered};
use crate::people::passkeys::{ProvenAct, by_passkey, can_prove_by_passkey};
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
        Ok(()) => go(person, &posted.visitor, provider).await,
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
            let act = ProvenAct::link_upstream(&provider.name);
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

async fn go(
    person: SignedIn<'_>,
    visitor: &Visitor,
    provider: &UpstreamProvider,
) -> Linking<Response> {
    let (app, user) = (person.app, person.id());
    let accounts = app.read().await?.upstream_accounts_of(user).await?;
    if accounts.iter().any(|one| one.issuer == provider.issuer) {
        return Err(StepError::Problem(LinkingProblem::AlreadyThere));
    }
    let back = Destination {
        request: None,
        next: Some(PATH.to_owned()),
    };
    let way = to_provider(visitor, provider, back, Some(user.clone())).await;
    way.map_err(|error| error.map(LinkingProblem::Provider))
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
    if let Err(error) = proven.proved_at(now) {
        return Err(error.map(LinkingProblem::Provider));
    }
    // A proof of before a reset links nothing after it.
    let began = app.begin_change(links, &session).await?;
    let Some(mut transaction) = began.filter(|_| person.id() == links) else {
        let expired = LinkingProblem::Provider(LoginProblem::Expired);
        return Err(StepError::Problem(expired));
    };
    let accounts = transaction.upstream_accounts_of(links).await?;
    let subject = proven.subject();
    let mut there = accounts.iter().filter(|one| one.issuer == subject.issuer);
    if let Some(linked) = there.next() {
        // The page has one row for each provider, so a second account would be a way in that nobody sees.
        return match linked.subject == subject.subject {
            true => Ok(see_other(PATH)),
            false => Err(StepError::Problem(LinkingProblem::AlreadyThere)),
        };
    }
    if accounts.len() >= MAX_UPSTREAM_ACCOUNTS {
        return Err(StepError::Problem(LinkingProblem::TooMany));
    }
    let written = transaction.insert_upstream_account(subject, links, AccountOrigin::Link, now);
    if !written.await? {
        return Err(StepError::Problem(LinkingProblem::Taken));
    }
    record(person, &mut transaction, subject.issuer, "linked").await?;
    upstream_linked(&app.outbox(), &mut transaction, links).await?;
    transaction.commit().await?;
    app.notices.wake();
    Ok(see_other(PATH))
}

/// What the person linked there; the sessions that it opened end with it.
pub(super) async fn remove(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let named = form.required("upstream")?;
    let (app, user, now) = (person.app, person.id(), person.app.clock.now());
    let mut transaction = person.begin_change().await?;
    let accounts = transaction.upstream_accounts_of(user).await?;
    let mut links = accounts.iter().filter(|one| is_link(one));
    if let Some(link) = links.find(|one| row_of(app, one).name == named) {
        let issuer = link.issuer.as_str();
        transaction.remove_upstream_links(user, issuer).await?;
        forget_groups(app, &mut transaction, (user, issuer)).await?;
        let sessions = transaction.end_upstream_sessions(user, issuer, EndedSessions::All, now);
        sessions.await?;
        record(person, &mut transaction, issuer, "removed").await?;
    }
    transaction.commit().await?;
    Ok(see_other(PATH))
}

async fn record(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    issuer: &str,
    state: &str,
) -> Result<(), StoreError> {
    let (app, now) = (person.app, person.app.clock.now());
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(person.id().as_str())
        .with(
            json!({ "by": "subject", "setting": "upstream", "state": state, "upstream": issuer }),
        );
    transaction.insert_event(&event).await
}

async fn page(
    person: SignedIn<'_>,
    problem: Option<LinkingProblem>,
) -> Result<Response, PageError> {
    let app = person.app;
    let accounts = app.read().await?.upstream_accounts_of(person.id()).await?;
    let page = UpstreamPage {
        upstreams: rows(app, &accounts),
        person: person.frame().await?,
        proof: strongest(person).await?,
        problem,
    };
    let texts = person.texts().await?;
    Ok(page.page(&texts).into_http().into_response())
}

/// The providers of this server, and those whose section was taken away and by which the person linked an account.
fn rows(app: &App, accounts: &[UpstreamAccount]) -> Vec<UpstreamView> {
    let all = app.config.upstreams.iter();
    let here = all.map(|provider| UpstreamView {
        provider: offered(provider),
        account: linked(&provider.issuer, accounts),
    });
    let links = accounts.iter().filter(|one| is_link(one));
    let gone = links.filter(|one| provider_of(app, one).is_none());
    let gone = gone.map(|one| UpstreamView {
        provider: row_of(app, one),
        account: linked(&one.issuer, accounts),
    });
    here.chain(gone).collect()
}

/// How the row of this account is called: by the provider, or by its issuer where the section was taken away.
fn row_of(app: &App, account: &UpstreamAccount) -> OfferedUpstream {
    let gone = || OfferedUpstream {
        name: account.issuer.clone(),
        label: account.issuer.clone(),
    };
    provider_of(app, account).map_or_else(gone, offered)
}

fn provider_of<'a>(app: &'a App, account: &UpstreamAccount) -> Option<&'a UpstreamProvider> {
    let mut all = app.config.upstreams.iter();
    all.find(|one| one.issuer == account.issuer)
}

fn is_link(account: &UpstreamAccount) -> bool {
    account.origin == AccountOrigin::Link
}

fn linked(issuer: &str, accounts: &[UpstreamAccount]) -> Option<LinkedView> {
    let account = accounts.iter().find(|one| one.issuer == issuer)?;
    Some(LinkedView {
        since: account.linked_at,
        last_login: account.last_login_at,
        removable: is_link(account),
    })
}
