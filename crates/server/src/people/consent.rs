//! The consent page: what is shown is what is recorded; the decision consumes the request, once (LESSONS 36, promise 7).

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use url::Url;
use writ_authority::Authority;
use writ_core::authorize::{FoundRequest, Need, RequestUnusable, UserSession};
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::consent::{
    self, Approved, Chosen, ConsentFacts, ConsentGiver, ConsentIds, ConsentScreen, is_bare,
    scope_name,
};
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, ConsentId, DelegationId, TaskId, TransactionId};
use writ_core::onward::Onward;
use writ_core::realm::DecisionContext;
use writ_core::request::OPENID;
use writ_core::target::has_openid;
use writ_pages::{
    AgentName, AgentView, ClientView, Consent, ConsentProblem, DetailView, FormAction, OnwardView,
    ScopeView,
};
use writ_wire::form::Form;
use writ_wire::resource::ResourceUri;

use crate::node::app::App;
use crate::node::registry::Catalogue;
use crate::node::secret::secret_digest;
use crate::people::authorize::{Ended, back, load, next, see_other, untrusted};
use crate::people::login::form_expired;
use crate::people::session::Browser;

/// Everything that the page and the decision are about.
struct Question {
    handle: String,
    found: FoundRequest,
    client: Arc<Client>,
    session: UserSession,
    catalogue: Arc<Catalogue>,
    /// What this person was shown last.
    kept: Option<ConsentScreen>,
}

/// A page, and what of it is compared with a click.
struct Shown {
    page: Consent,
    screen: ConsentScreen,
}

/// Either a question for this person, or the login page first.
enum Asked {
    Question(Box<Question>),
    LoginFirst(String),
}

pub async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form =
            Form::parse(query.unwrap_or_default().as_bytes()).map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        match ask(&app, &form, &browser).await? {
            Asked::LoginFirst(location) => Ok(see_other(&location)),
            Asked::Question(question) => page(&app, &question, &browser, None).await,
        }
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

pub async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match decide(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn decide(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    if !browser.sent(&form) {
        return Err(form_expired());
    }
    let question = match ask(app, &form, &browser).await? {
        Asked::LoginFirst(location) => return Ok(see_other(&location)),
        Asked::Question(question) => question,
    };
    // Both buttons, or none: not a decision.
    match (
        form.contains("consent-approve"),
        form.contains("consent-deny"),
    ) {
        (true, false) => approve(app, &form, &question, &browser).await,
        (false, true) => deny(app, &question).await,
        _ => Err(untrusted(&writ_core::OAuthError::invalid_request(
            "neither approved nor denied",
        ))),
    }
}

async fn ask(app: &App, form: &Form, browser: &Browser) -> Result<Asked, Ended> {
    let handle = form.required("request").map_err(|e| untrusted(&e.into()))?;
    let found = load(app, handle).await?;
    let now = app.clock.now();
    found.usable(&found.client, now)?;
    let client = app
        .client(&found.client)
        .await?
        .ok_or(Ended::from(RequestUnusable::Unknown))?;
    match (
        next(app, (&found, &client), browser.session.as_ref(), now).await?,
        &browser.session,
    ) {
        (Ok(Need::Consent), Some(session)) => {
            let kept = app.read().await?.consent_screen(&found.digest).await?;
            Ok(Asked::Question(Box::new(Question {
                handle: handle.to_owned(),
                kept: kept.filter(|kept| kept.user == session.user.id),
                session: session.clone(),
                catalogue: app.fresh_catalogue().await?,
                found,
                client,
            })))
        }
        (Err(refusal), _) => Err(back(&found, refusal)),
        _ => Ok(Asked::LoginFirst(format!("/login?request={handle}"))),
    }
}

async fn approve(
    app: &App,
    form: &Form,
    question: &Question,
    browser: &Browser,
) -> Result<Response, Ended> {
    let now = app.clock.now();
    let shown = shown(app, question, browser).await?;
    if !was_seen(question, &shown, form)? {
        return page(app, question, browser, Some(ConsentProblem::Changed)).await;
    }
    let mut chosen = Chosen {
        parts: form.all("grant").map(str::to_owned).collect(),
    };
    if chosen.parts.is_empty() && shown.page.has_boxes() {
        return page(app, question, browser, Some(ConsentProblem::NothingChosen)).await;
    }
    let realm = question.catalogue.realm();
    if shown.page.identity {
        // Shown without a box of its own: whoever approves anything is known to the client.
        chosen
            .parts
            .insert(scope_name(realm.issuer.as_str(), OPENID));
    }
    let code = app.random.secret();
    let giver = ConsentGiver {
        user: &question.session.user,
        authentication: question.session.authentication(),
    };
    let facts = ConsentFacts {
        prepared: &question.found.prepared,
        client: &question.client,
        giver: &giver,
        chosen: &chosen,
        screen: &shown.screen,
    };
    let context = DecisionContext { realm, now };
    let decided = consent::approve(facts, context, ids(app, &code));
    match decided {
        Ok(approved) => commit(app, question, &approved, &code).await,
        Err(refusal) => Err(back(&question.found, refusal)),
    }
}

/// Whether the page that sent this form was made for this person, and would be the same now. Its nonce is known to nobody else.
fn was_seen(question: &Question, shown: &Shown, form: &Form) -> Result<bool, Ended> {
    let named = form.optional("screen").map_err(|e| untrusted(&e.into()))?;
    let same = question.kept.as_ref() == Some(&shown.screen);
    Ok(same && named == Some(shown.page.screen_hash.as_str()))
}

/// The page as it is now, kept before it is sent.
async fn page(
    app: &App,
    question: &Question,
    browser: &Browser,
    problem: Option<ConsentProblem>,
) -> Result<Response, Ended> {
    let shown = shown(app, question, browser).await?;
    if question.kept.as_ref() != Some(&shown.screen) {
        let mut session = app.begin().await?;
        session
            .save_consent_screen(&question.found.digest, &shown.screen)
            .await?;
        session.commit().await?;
    }
    let page = Consent {
        problem,
        ..shown.page
    };
    Ok(page.page(&app.texts).into_http().into_response())
}

fn ids(app: &App, code: &str) -> ConsentIds {
    let now = app.clock.now();
    ConsentIds {
        task: TaskId::make(now, app.entropy()),
        delegation: DelegationId::make(now, app.entropy()),
        consent: ConsentId::make(now, app.entropy()),
        approval: ApprovalId::make(now, app.entropy()),
        transaction: TransactionId::make(now, app.entropy()),
        salt: app.random.secret(),
        code_digest: secret_digest(code),
    }
}

/// The one who consumes the request writes everything else.
async fn commit(
    app: &App,
    question: &Question,
    approved: &Approved,
    code: &str,
) -> Result<Response, Ended> {
    let now = app.clock.now();
    let mut session = app.begin().await?;
    if !session.consume_request(&question.found.digest, now).await? {
        return Err(RequestUnusable::Used.into());
    }
    if !session.insert_task_if_active(&approved.task).await? {
        return Err(back(
            &question.found,
            consent::denied().because("the client is stopped"),
        ));
    }
    session
        .insert_consent(&approved.task, &approved.consent)
        .await?;
    session.insert_delegation(&approved.delegation).await?;
    session.insert_code(&approved.code).await?;
    for event in events(app, question, approved) {
        session.insert_event(&event).await?;
    }
    session.commit().await?;
    app.metrics.consent(if approved.narrowed {
        "narrowed"
    } else {
        "approved"
    });
    let state = question.found.prepared.request.state.as_deref();
    let answer: Vec<(&str, &str)> = std::iter::once(("code", code))
        .chain(state.map(|s| ("state", s)))
        .collect();
    Ok(app.answer_client(&approved.code.redirect_uri, &answer))
}

fn events(app: &App, question: &Question, approved: &Approved) -> [Event; 2] {
    let now = app.clock.now();
    let event = |name| {
        let mut event = Event::new(app.event_id(now), now, name)
            .by(&question.client)
            .about(&approved.task)
            .under(&approved.delegation)
            .permitted();
        event.details_hash = Some(approved.task.authority.hash(&approved.task.salt));
        event
    };
    let given = if approved.narrowed {
        EventName::ConsentNarrowed
    } else {
        EventName::ConsentGiven
    };
    [
        event(given).with(serde_json::json!({
            "consent": approved.consent.id,
            "shown": approved.consent.shown,
            "shown_hash": approved.consent.shown_hash,
            "locale": approved.consent.locale,
            "method": approved.consent.method,
            "asked": question.found.prepared.authority,
        })),
        event(EventName::TaskApproved).with(serde_json::json!({
            "authority": approved.task.authority,
            "onward": approved.delegation.onward,
            "approval": approved.task.approval,
            "expires_at": approved.task.expires_at.rfc3339(),
        })),
    ]
}

async fn deny(app: &App, question: &Question) -> Result<Response, Ended> {
    let now = app.clock.now();
    let mut session = app.begin().await?;
    if !session.consume_request(&question.found.digest, now).await? {
        return Err(RequestUnusable::Used.into());
    }
    let refusal = consent::denied();
    let mut event = Event::new(app.event_id(now), now, EventName::ConsentDenied)
        .by(&question.client)
        .of_subject(question.session.user.id.as_str())
        .denied(&refusal)
        .with(serde_json::json!({ "asked": question.found.prepared.authority }));
    event.purpose.clone_from(&question.found.prepared.purpose);
    session.insert_event(&event).await?;
    session.commit().await?;
    app.metrics.consent("denied");
    Err(back(&question.found, refusal))
}

/// What this person is shown now, under the nonce and from the moment of the first time.
async fn shown(app: &App, question: &Question, browser: &Browser) -> Result<Shown, Ended> {
    let (prepared, client) = (&question.found.prepared, &*question.client);
    let kept = question.kept.as_ref();
    let since = kept.map_or_else(|| app.clock.now(), |kept| kept.since);
    let ends_at = consent::ends_at(prepared, client, since);
    let passes_on_to = Onward::of(client);
    let page = Consent {
        csrf: browser.csrf(),
        request: question.handle.clone(),
        screen_hash: String::new(),
        client: client_view(client),
        subject_name: question.session.user.name.clone(),
        purpose: prepared.purpose.clone(),
        expires: app.moment_for(&question.session, ends_at),
        details: details(app, question),
        scopes: scopes(&question.catalogue, &prepared.authority),
        identity: has_openid(&prepared.authority, question.catalogue.realm()),
        onward: onward(app, &passes_on_to).await?,
        redirect_host: host(&prepared.redirect_uri),
        form_action: FormAction::of_redirect(&prepared.redirect_uri),
        problem: None,
    };
    let screen = ConsentScreen {
        user: question.session.user.id.clone(),
        nonce: kept.map_or_else(|| app.random.secret(), |kept| kept.nonce.clone()),
        since,
        ends_at,
        authority: prepared.authority.clone(),
        onward: passes_on_to,
        redirect_uri: prepared.redirect_uri.clone(),
        text: page.recorded_text(&app.texts),
        locale: app.texts.locale().to_owned(),
    };
    let screen_hash = screen.hash().map_err(|e| Ended::Broken(e.to_string()))?;
    Ok(Shown {
        page: Consent {
            screen_hash,
            ..page
        },
        screen,
    })
}

fn details(app: &App, question: &Question) -> Vec<DetailView> {
    let lang = app.texts.locale();
    let types = &question.catalogue.types;
    let shown = question
        .found
        .prepared
        .authority
        .details()
        .iter()
        .filter_map(|detail| {
            let definition = types.of(detail)?;
            Some(DetailView {
                reference: detail.reference()?.to_owned(),
                sentence: definition.pieces(detail, lang),
                limits: definition.limits(detail, lang),
            })
        });
    shown.collect()
}

/// Every scope, and every resource that is named without one; not the issuer, which has a sentence of its own.
pub fn scopes(catalogue: &Catalogue, authority: &Authority) -> Vec<ScopeView> {
    let name = |uri: &ResourceUri| {
        catalogue
            .resources
            .get(uri)
            .map_or_else(|| uri.to_string(), |r| r.name.clone())
    };
    let named = authority
        .scopes()
        .iter()
        .filter(|s| s.resource != catalogue.issuer)
        .map(|s| ScopeView {
            value: scope_name(s.resource.as_str(), &s.scope),
            resource_name: name(&s.resource),
            scope: s.scope.clone(),
        });
    let bare = authority
        .resources()
        .iter()
        .filter(|uri| is_bare(authority, uri))
        .map(|uri| ScopeView {
            value: scope_name(uri.as_str(), ""),
            resource_name: name(uri),
            scope: String::new(),
        });
    named.chain(bare).collect()
}

/// Who asks, as the pages show it. A publisher is verified by a later feature: until then it never is.
pub fn client_view(client: &Client) -> ClientView {
    ClientView {
        name: client.name.clone(),
        client_id: client.id.to_string(),
        agent: client.agent.as_ref().map(|agent| AgentView {
            publisher: agent.publisher.clone(),
            publisher_verified: false,
            owner: agent.owner_name.clone(),
            sponsor: agent.sponsor_name.clone(),
        }),
    }
}

/// To whom an agent may pass on what it is given.
pub async fn onward(app: &App, onward: &Onward) -> Result<OnwardView, Ended> {
    let mut agents = Vec::new();
    for id in onward.agents.iter().flatten() {
        let name = app.client(id.as_str()).await?.map(|c| c.name.clone());
        let id = id.to_string();
        agents.push(AgentName { id, name });
    }
    Ok(OnwardView {
        agents,
        same_owner: !onward.owners.is_empty(),
        depth: u32::try_from(onward.depth).unwrap_or(u32::MAX),
    })
}

fn host(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    url.map(|u| {
        u.host_str()
            .map_or_else(|| u.scheme().to_owned(), str::to_owned)
    })
    .unwrap_or_default()
}
