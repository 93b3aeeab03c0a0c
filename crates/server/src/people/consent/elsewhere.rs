//! Consent away from the browser that asks: this browser shows a number and waits, the person decides on a device of their own, and the
//! browser that asked goes on, once. The question is one of the approval engine, with its budgets, its screen and its receipt.

use axum::response::{IntoResponse, Response};
use http::header::USER_AGENT;
use writ_core::OAuthError;
use writ_core::authorize::RequestUnusable;
use writ_core::browser_name::BrowserName;
use writ_core::budget::OverBudget;
use writ_core::client::Client;
use writ_core::consent::{self, Chosen, ConsentFacts, ConsentGiver, ConsentScreen};
use writ_core::elsewhere::{self, AskedConsent, ElsewhereFacts, asking_browser};
use writ_core::id::ApprovalId;
use writ_core::pending::{Decision, Ending, PendingRequest, PendingStatus, RedemptionFacts};
use writ_core::realm::DecisionContext;
use writ_core::receipt;
use writ_core::requirements::{Requirements, requirements};
use writ_pages::{ElsewherePage, ElsewhereProblem, ElsewhereStep};
use writ_store::DatabaseTransaction;
use writ_store::client::StoredClient;
use writ_store::pending::NewPendingRequest;
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use super::ConsentQuestion;
use super::commit::{GrantedBy, commit};
use super::parts::ids;
use super::refused::refuse;
use crate::approvals::close::{Endings, end};
use crate::approvals::create::{
    AskedRecord, earlier_prompts, guard_prompts, number_to_match, within_budget,
};
use crate::node::app::App;
use crate::node::metrics::CountedElsewhere;
use crate::node::registry::parse_client;
use crate::notifications::outbox;
use crate::people::elsewhere::{has_other_device, is_asking};
use crate::people::error::{PageError, StepError};
use crate::people::redirect::see_other;
use crate::people::request::{SignedIn, Visitor};
use crate::people::request_over::over;
use crate::people::views::client_view;
use crate::people::wrong_clock::require_right_clock;

/// Whether this is decided on another device of this person, as the configuration or a type of its objects wants it. What was asked
/// there stays there, whatever becomes of that device.
pub(super) async fn decides(
    visitor: &Visitor,
    question: &ConsentQuestion,
) -> Result<bool, PageError> {
    let (app, client) = (&*visitor.app, &*question.client);
    let demanded = needs(question).elsewhere;
    if !demanded && !app.config.elsewhere.wants(client) {
        return Ok(false);
    }
    if !client.is_guest() && has_other_device(signed_in(visitor)?).await? {
        return Ok(true);
    }
    let asked = asked(visitor, question).await?;
    let now = app.mended_time();
    if asked.is_some_and(|request| lives(&request, now)) {
        return Ok(true);
    }
    match demanded {
        true => Err(PageError::to_client(&question.found, nowhere())),
        false => Ok(false),
    }
}

/// It waits, or was decided.
fn lives(request: &PendingRequest, now: Timestamp) -> bool {
    request.is_open(now) || request.decision().is_some()
}

/// RFC 9470 section 5.
fn nowhere() -> OAuthError {
    let sentence = "this is decided on another device of the person, and they have none that is told, or a guest asks";
    OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, sentence)
}

fn needs(question: &ConsentQuestion) -> Requirements<'_> {
    let authority = &question.found.prepared.authority;
    let subject = Some(&question.session.user.id);
    requirements(
        authority,
        &question.client,
        subject,
        None,
        question.catalogue.realm(),
    )
}

/// Where the question is now; a `GET` asks nothing.
pub(super) async fn show(
    visitor: &Visitor,
    question: &ConsentQuestion,
) -> Result<Response, PageError> {
    let app = &*visitor.app;
    let Some(request) = asked(visitor, question).await? else {
        return Ok(page(visitor, question, ElsewhereStep::Start, None));
    };
    let now = app.mended_time();
    match request.status_at(now) {
        PendingStatus::Pending | PendingStatus::Viewed => {
            let step = ElsewhereStep::Waiting {
                number: request.asked.number.unwrap_or_default(),
                left: now.until(request.expires_at),
            };
            Ok(page(visitor, question, step, None))
        }
        PendingStatus::Approved(decision) => {
            require_right_clock(app).await?;
            grant(app, question, &request, decision).await
        }
        PendingStatus::Denied(_) => {
            app.metrics.elsewhere.count(CountedElsewhere::Denied);
            let refusal = refuse(app, question).await?;
            Err(PageError::to_client(&question.found, refusal))
        }
        PendingStatus::Expired { .. } | PendingStatus::Superseded | PendingStatus::Cancelled => {
            let problem = Some(ElsewhereProblem::NotAnswered);
            Ok(page(visitor, question, ElsewhereStep::Start, problem))
        }
        PendingStatus::Redeemed { .. } => {
            Err(over(app, &question.found, RequestUnusable::Used).await?)
        }
    }
}

/// The person wants to be asked on their device. One question is enough: pressed again, it is the same.
pub(super) async fn start(
    visitor: &Visitor,
    question: &ConsentQuestion,
) -> Result<Response, PageError> {
    let app = &*visitor.app;
    match ask(visitor, question).await {
        Ok(Asking::Now) => app.metrics.elsewhere.count(CountedElsewhere::Asked),
        Ok(Asking::Before) => {}
        Err(error) => {
            let problem = Some(error.problem()?);
            return Ok(page(visitor, question, ElsewhereStep::Start, problem));
        }
    }
    Ok(see_other(&question.address()))
}

/// A yes that was given in this browser all the same.
pub(super) async fn not_here(
    visitor: &Visitor,
    question: &ConsentQuestion,
) -> Result<Response, PageError> {
    visitor
        .app
        .metrics
        .elsewhere
        .count(CountedElsewhere::RefusedHere);
    let problem = Some(ElsewhereProblem::NotHere);
    Ok(page(visitor, question, ElsewhereStep::Start, problem))
}

fn signed_in(visitor: &Visitor) -> Result<SignedIn<'_>, PageError> {
    let signed_out = || PageError::SignedOut { page: None };
    visitor.session().ok_or_else(signed_out)
}

/// What this browser asked last about this request, as it is signed in now.
async fn asked(
    visitor: &Visitor,
    question: &ConsentQuestion,
) -> Result<Option<PendingRequest>, PageError> {
    let mut reading = visitor.app.read().await?;
    asked_by(visitor, question, &mut reading).await
}

/// The same in this transaction.
async fn asked_by(
    visitor: &Visitor,
    question: &ConsentQuestion,
    transaction: &mut DatabaseTransaction,
) -> Result<Option<PendingRequest>, PageError> {
    let person = signed_in(visitor)?;
    let digest = &question.found.digest;
    let Some(id) = transaction.asked_elsewhere(digest).await? else {
        return Ok(None);
    };
    let found = transaction.pending_by_id(&id).await?;
    Ok(found.filter(|request| {
        is_asking(person, request) && request.subject.as_ref() == Some(person.id())
    }))
}

/// Whether a question was asked.
enum Asking {
    Now,
    /// What was asked before is enough.
    Before,
}

/// One transaction: the budgets, the question, its event and its notices. It counts as every question of this client to this person. Of many
/// at once the first one asks: the guard lets the others look only then.
async fn ask(
    visitor: &Visitor,
    question: &ConsentQuestion,
) -> Result<Asking, StepError<ElsewhereProblem>> {
    let (app, now) = (&*visitor.app, visitor.app.clock.now());
    let request = asking(visitor, question, now);
    let mut transaction = signed_in(visitor)?.begin_change().await?;
    let guarded = guard_prompts(&mut transaction, &request, now).await?;
    let before = asked_by(visitor, question, &mut transaction).await?;
    if before.is_some_and(|before| lives(&before, app.mended_time())) {
        return Ok(Asking::Before);
    }
    if guarded.is_err() {
        let paused = PageError::client_paused(question.client.id.clone());
        return Err(StepError::Page(paused));
    }
    let older = end(app, &mut transaction, Ending::Superseded(&request), now).await?;
    let earlier = earlier_prompts(&mut transaction, &request, now).await?;
    let new = NewPendingRequest {
        request: &request,
        user_code: None,
        sealed: None,
    };
    transaction.insert_pending(new).await?;
    let over_budget = |over: OverBudget| {
        let retry_after = over.retry_after;
        StepError::Problem(ElsewhereProblem::AskedTooOften { retry_after })
    };
    within_budget(app, &mut transaction, &request, earlier, now)
        .await?
        .map_err(over_budget)?;
    let digest = &question.found.digest;
    if !transaction.ask_elsewhere(digest, &request.id, now).await? {
        drop(transaction);
        let used = over(app, &question.found, RequestUnusable::Used).await?;
        return Err(StepError::Page(used));
    }
    record_asked(app, &mut transaction, question, &request, &older).await?;
    transaction.commit().await?;
    older.announce(app);
    app.waiting.announce_request(&request);
    app.notices.wake();
    Ok(Asking::Now)
}

fn asking(visitor: &Visitor, question: &ConsentQuestion, now: Timestamp) -> PendingRequest {
    let app = &*visitor.app;
    let (prepared, client) = (&question.found.prepared, &*question.client);
    let subject = &question.session.user.id;
    let user_agent = visitor.headers.get(USER_AGENT);
    let user_agent = user_agent.and_then(|value| value.to_str().ok());
    let browser = BrowserName::of(user_agent.unwrap_or_default());
    let id = ApprovalId::make(now, app.entropy());
    elsewhere::pending(ElsewhereFacts {
        digest: asking_browser(&visitor.browser.digest(), &id),
        id,
        found: &question.found,
        client,
        subject,
        level: needs(question).level,
        number: number_to_match(app),
        address: visitor.address.map(|address| address.to_string()),
        consent: AskedConsent {
            browser: browser.browser.map(str::to_owned),
            system: browser.system.map(str::to_owned),
            ends_at: consent::ends_at(prepared, client, now),
        },
        now,
    })
}

async fn record_asked(
    app: &App,
    transaction: &mut DatabaseTransaction,
    question: &ConsentQuestion,
    request: &PendingRequest,
    older: &Endings,
) -> Result<(), PageError> {
    let asked = AskedRecord {
        client: &question.client,
        asking: None,
        request,
        takes_the_place_of: older.ids(),
    };
    let event = asked.event(app, request.created_at);
    transaction.insert_event(&event).await?;
    outbox::request_created(app, transaction, request).await?;
    Ok(())
}

/// The yes that was given elsewhere, for the browser that asked.
async fn grant(
    app: &App,
    question: &ConsentQuestion,
    request: &PendingRequest,
    decision: &Decision,
) -> Result<Response, PageError> {
    let screen = seen(app, question, request, decision).await?;
    let client = current(app, question).await?;
    let code = app.random.secret();
    let deciders = elsewhere::deciders(&question.session.user.id);
    let redemption = RedemptionFacts {
        request,
        decision,
        client: &client,
        subject: Some(&question.session.user),
        deciders: Some(&deciders),
        asking: None,
        key: None,
    };
    let giver = ConsentGiver {
        user: &question.session.user,
        authentication: question.session.authentication(),
    };
    let facts = ConsentFacts {
        prepared: &question.found.prepared,
        client: &client,
        giver: &giver,
        chosen: &Chosen::default(),
        screen: &screen,
        skipped: None,
    };
    let context = DecisionContext {
        realm: question.catalogue.realm(),
        now: app.clock.now(),
    };
    match elsewhere::grant(&redemption, facts, context, ids(app, &code)) {
        Ok(approved) => {
            let by = GrantedBy::Device(request);
            commit(app, question, &approved, &code, by).await
        }
        Err(refusal) => {
            refuse(app, question).await?;
            Err(PageError::to_client(&question.found, refusal))
        }
    }
}

/// The client's record as it is in the database: the one at hand may be older than the answer.
async fn current(app: &App, question: &ConsentQuestion) -> Result<Client, PageError> {
    let id = &question.client.id;
    let stored = app.read().await?.client(id).await?;
    match stored.filter(StoredClient::is_active) {
        Some(stored) => Ok(parse_client(id.as_str(), &stored)?),
        None => {
            let refusal = OAuthError::client_stopped();
            Err(PageError::client_stopped(id.clone(), refusal))
        }
    }
}

/// What the person saw on their device, as the record of the consent has it.
async fn seen(
    app: &App,
    question: &ConsentQuestion,
    request: &PendingRequest,
    decision: &Decision,
) -> Result<ConsentScreen, PageError> {
    let receipts = app.read().await?.receipts_of_request(&request.id).await?;
    let stored = receipts.last();
    let stored = stored.ok_or_else(|| PageError::broken("an approval has no receipt"))?;
    let receipt = receipt::read(&stored.document).map_err(PageError::broken)?;
    let screen = receipt.screen.screen().map_err(PageError::broken)?;
    let language = screen.more.get("language").and_then(|tag| tag.as_str());
    let lines = screen
        .shown
        .iter()
        .flat_map(|section| std::iter::once(&section.heading).chain(&section.lines));
    let lines: Vec<&str> = lines.map(String::as_str).collect();
    let consent = request.asked.consent.as_ref();
    Ok(ConsentScreen {
        user: question.session.user.id.clone(),
        nonce: receipt.screen.nonce.clone(),
        since: request.created_at,
        ends_at: consent.map_or(request.expires_at, |asked| asked.ends_at),
        authority: decision.authority.clone(),
        onward: request.asked.onward.clone(),
        redirect_uri: question.found.prepared.redirect_uri.clone(),
        text: lines.join("\n"),
        locale: language.unwrap_or_default().to_owned(),
    })
}

fn page(
    visitor: &Visitor,
    question: &ConsentQuestion,
    step: ElsewhereStep,
    problem: Option<ElsewhereProblem>,
) -> Response {
    let view = ElsewherePage {
        csrf: visitor.browser.csrf(),
        request: question.handle.clone(),
        client: client_view(&question.client),
        step,
        problem,
    };
    let texts = &question.texts;
    view.page(texts).into_http().into_response()
}
