//! The consent page: what is shown is what is recorded; the decision consumes the request, once.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use writ_core::authorize::{FoundRequest, Need, RequestUnusable, UserSession};
use writ_core::client::Client;
use writ_core::consent::{self, Chosen, ConsentFacts, ConsentGiver, ConsentScreen, scope_name};
use writ_core::guest::redirect_host;
use writ_core::onward::Onward;
use writ_core::realm::DecisionContext;
use writ_core::remembered::{REMEMBERED_FOR, SkippedConsent};
use writ_core::scope::without_box;
use writ_core::target::has_openid;
use writ_pages::{ConsentPage, ConsentProblem, Texts};
use writ_store::standing::Pair;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::client_document::ClientIdUrl;
use writ_wire::form::Form;

use crate::node::app::App;
use crate::node::guests::GuestLookup;
use crate::node::registry::Catalogue;
use crate::people::authorize::{load, next_step};
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::remembered::{AskedPerson, is_remembered};
use crate::people::request::{PostedForm, Query, Visitor};
use crate::people::request_over::{require_not_paused, require_usable};
use crate::people::session::Browser;
use crate::people::views::{client_view, onward, scopes};
use crate::people::wrong_clock::require_right_clock;

mod commit;
mod elsewhere;
mod guest;
mod parts;
mod refused;

use commit::{GrantedBy, commit};
use parts::{details, ids, is_first};
use refused::{deny, record_stopped};

/// Everything that the page and the decision are about.
struct ConsentQuestion {
    handle: String,
    found: FoundRequest,
    client: Arc<Client>,
    session: UserSession,
    /// By which the session is found.
    session_digest: String,
    catalogue: Arc<Catalogue>,
    /// What this person was shown last.
    kept: Option<ConsentScreen>,
    /// Why nobody needs to be asked.
    skipped: Option<SkippedConsent>,
    /// In the language that the person chose, or their client asked for, or their browser wants.
    texts: Texts,
}

impl ConsentQuestion {
    /// Of its page.
    fn address(&self) -> String {
        format!("{CONSENT}?request={}", self.handle)
    }

    /// The transaction of an answer, as [`App::begin_change`]; `None`: the login comes first.
    async fn begin_change(&self, app: &App) -> Result<Option<DatabaseTransaction>, StoreError> {
        let person = &self.session.user.id;
        app.begin_change(person, &self.session_digest).await
    }

    fn person(&self) -> AskedPerson<'_> {
        AskedPerson {
            found: &self.found,
            user: &self.session.user.id,
            realm: self.catalogue.realm(),
        }
    }
}

/// A page, and what of it is compared with a click.
struct ShownConsent {
    page: ConsentPage,
    screen: ConsentScreen,
}

/// Either a question for this person, or the login page first.
enum ConsentOrLogin {
    Question(Box<ConsentQuestion>),
    LoginFirst(String),
}

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(CONSENT, get(show).post(submit))
}

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    match ask(&visitor, &query).await? {
        ConsentOrLogin::LoginFirst(location) => Ok(see_other(&location)),
        ConsentOrLogin::Question(question) => match question.skipped {
            Some(skipped) => grant(&visitor.app, &question, &visitor.browser, skipped).await,
            None if elsewhere::decides(&visitor, &question).await? => {
                elsewhere::show(&visitor, &question).await
            }
            None => page(&visitor.app, &question, &visitor.browser, None).await,
        },
    }
}

/// All that is asked for, without a page.
async fn grant(
    app: &App,
    question: &ConsentQuestion,
    browser: &Browser,
    skipped: SkippedConsent,
) -> Result<Response, PageError> {
    let mut shown = shown(app, question, browser).await?;
    // Nothing was read: the record says so.
    shown.screen.text.clear();
    let authority = &question.found.prepared.authority;
    let names = authority.scopes().iter();
    let chosen = Chosen {
        parts: names
            .map(|one| scope_name(one.resource.as_str(), &one.scope))
            .collect(),
        lifetime: None,
    };
    decide(app, question, &shown, &chosen, Some(skipped)).await
}

async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let form = posted.checked()?;
    let answered = answer(&posted.visitor, form).await;
    if let (Err(PageError::ClientStopped(stopped)), Some(session)) =
        (&answered, &posted.visitor.browser.session)
    {
        record_stopped(&posted.visitor.app, stopped, session).await?;
    }
    answered
}

async fn answer(visitor: &Visitor, form: &Form) -> Result<Response, PageError> {
    let (app, browser) = (&*visitor.app, &visitor.browser);
    let question = match ask(visitor, form).await? {
        ConsentOrLogin::LoginFirst(location) => return Ok(see_other(&location)),
        ConsentOrLogin::Question(question) => question,
    };
    // Several buttons, or none: not a decision.
    let pressed = BUTTONS.map(|name| form.contains(name));
    match pressed {
        [false, true, false] => deny(app, &question).await,
        // Whoever drives this browser gets no question back into it.
        [true, false, false] if elsewhere::decides(visitor, &question).await? => {
            elsewhere::not_here(visitor, &question).await
        }
        [true, false, false] => {
            require_right_clock(app).await?;
            approve(app, form, &question, browser).await
        }
        [false, false, true] if elsewhere::decides(visitor, &question).await? => {
            require_right_clock(app).await?;
            elsewhere::start(visitor, &question).await
        }
        [false, false, true] => page(app, &question, browser, None).await,
        _ => Err(PageError::invalid_request("neither approved nor denied")),
    }
}

async fn ask(visitor: &Visitor, form: &Form) -> Result<ConsentOrLogin, PageError> {
    let (app, session) = (&*visitor.app, visitor.browser.session.as_ref());
    let handle = form.required("request")?;
    let found = load(app, handle).await?;
    let now = app.mended_time();
    require_usable(app, &found, &found.client).await?;
    let login_first = || ConsentOrLogin::LoginFirst(format!("/login?request={handle}"));
    let lookup = match session {
        Some(session) => GuestLookup::Consent {
            person: &session.user.id,
        },
        // Nobody makes this server fetch a document without a login.
        None if ClientIdUrl::is_meant(&found.client) => return Ok(login_first()),
        None => GuestLookup::Request { address: None },
    };
    let client = app.client_or_guest(&found.client, lookup).await?;
    let client = client.ok_or(RequestUnusable::Unknown)?;
    guest::check_redirect(&client, &found.prepared.redirect_uri)?;
    if let Some(session) = session {
        let (subject, client) = (&session.user.id, &client.id);
        require_not_paused(app, Pair { subject, client }).await?;
    }
    let catalogue = app.fresh_catalogue().await?;
    let realm = catalogue.realm();
    let need = next_step(app, &found, &client, session, realm).await?;
    match (need, session) {
        (Need::Consent | Need::Nothing(_), Some(session)) => {
            let kept = app.read().await?.consent_screen(&found.digest).await?;
            Ok(ConsentOrLogin::Question(Box::new(ConsentQuestion {
                handle: handle.to_owned(),
                kept: kept.filter(|kept| kept.user == session.user.id && kept.ends_at > now),
                session: session.clone(),
                session_digest: visitor.browser.digest(),
                skipped: match need {
                    Need::Nothing(skipped) => Some(skipped),
                    Need::Login | Need::Consent => None,
                },
                catalogue,
                texts: parts::texts(visitor, &found).clone(),
                found,
                client,
            })))
        }
        _ => Ok(login_first()),
    }
}

async fn approve(
    app: &App,
    form: &Form,
    question: &ConsentQuestion,
    browser: &Browser,
) -> Result<Response, PageError> {
    let shown = shown(app, question, browser).await?;
    if !was_seen(question, &shown, form)? {
        app.metrics.consent_changed();
        return page(app, question, browser, Some(ConsentProblem::Changed)).await;
    }
    let mut chosen = Chosen {
        parts: form.all("grant").map(str::to_owned).collect(),
        lifetime: guest::lifetime(form, &question.client)?,
    };
    if chosen.parts.is_empty() && shown.page.has_boxes() {
        return page(app, question, browser, Some(ConsentProblem::NothingChosen)).await;
    }
    let realm = question.catalogue.realm();
    // Shown without a box of its own: whoever approves anything is known to the client.
    let known = without_box(&shown.screen.authority, realm).into_iter();
    chosen
        .parts
        .extend(known.map(|name| scope_name(realm.issuer.as_str(), &name)));
    decide(app, question, &shown, &chosen, None).await
}

async fn decide(
    app: &App,
    question: &ConsentQuestion,
    shown: &ShownConsent,
    chosen: &Chosen,
    skipped: Option<SkippedConsent>,
) -> Result<Response, PageError> {
    let code = app.random.secret();
    let giver = ConsentGiver {
        user: &question.session.user,
        authentication: question.session.authentication(),
    };
    let facts = ConsentFacts {
        prepared: &question.found.prepared,
        client: &question.client,
        giver: &giver,
        chosen,
        screen: &shown.screen,
        skipped,
    };
    let context = DecisionContext {
        realm: question.catalogue.realm(),
        now: app.clock.now(),
    };
    let by = skipped.map_or(GrantedBy::Page, GrantedBy::Nobody);
    match consent::approve(facts, context, ids(app, &code)) {
        Ok(approved) => commit(app, question, &approved, &code, by).await,
        Err(refusal) => Err(PageError::to_client(&question.found, refusal)),
    }
}

/// Whether the page that sent this form was made for this person, and would be the same now. No other browser knows its nonce.
fn was_seen(
    question: &ConsentQuestion,
    shown: &ShownConsent,
    form: &Form,
) -> Result<bool, PageError> {
    let named = form.optional("screen")?;
    let same = question.kept.as_ref() == Some(&shown.screen);
    Ok(same && named == Some(shown.page.screen_hash.as_str()))
}

/// The page as it is now, kept before it is sent.
async fn page(
    app: &App,
    question: &ConsentQuestion,
    browser: &Browser,
    problem: Option<ConsentProblem>,
) -> Result<Response, PageError> {
    let shown = shown(app, question, browser).await?;
    if question.kept.as_ref() != Some(&shown.screen) {
        let Some(mut transaction) = question.begin_change(app).await? else {
            return Ok(see_other(&question.address()));
        };
        transaction
            .save_consent_screen(&question.found.digest, &shown.screen)
            .await?;
        transaction.commit().await?;
    }
    let page = ConsentPage {
        problem,
        ..shown.page
    };
    Ok(page.page(&question.texts).into_http().into_response())
}

/// What this person is shown now, under the nonce and from the moment of the first time.
async fn shown(
    app: &App,
    question: &ConsentQuestion,
    browser: &Browser,
) -> Result<ShownConsent, PageError> {
    let (prepared, client) = (&question.found.prepared, &*question.client);
    let texts = &question.texts;
    let kept = question.kept.as_ref();
    let since = kept.map_or_else(|| app.clock.now(), |kept| kept.since);
    let ends_at = consent::ends_at(prepared, client, since);
    let passes_on_to = Onward::of(client);
    let page = ConsentPage {
        csrf: browser.csrf(),
        request: question.handle.clone(),
        screen_hash: String::new(),
        client: client_view(client),
        subject_name: question.session.user.name.clone(),
        purpose: prepared.purpose.clone(),
        expires: app.moment_in(texts, &question.session, ends_at),
        until: app.when_in(texts, &question.session, ends_at),
        details: details(question),
        scopes: scopes(&question.catalogue, &prepared.authority),
        identity: has_openid(&prepared.authority, question.catalogue.realm()),
        onward: onward(app, &passes_on_to).await?,
        remembered_days: is_remembered(&question.found, client)
            .then_some(REMEMBERED_FOR.as_secs() / SECONDS_OF_DAY),
        redirect_host: redirect_host(&prepared.redirect_uri),
        guest: guest::view(app, question, since).await?,
        first: is_first(app, question, since).await?,
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
        text: page.recorded_text(texts),
        locale: texts.locale().to_owned(),
    };
    let screen_hash = screen.hash().map_err(PageError::broken)?;
    Ok(ShownConsent {
        page: ConsentPage {
            screen_hash,
            ..page
        },
        screen,
    })
}

const CONSENT: &str = "/consent";
const BUTTONS: [&str; 3] = ["consent-approve", "consent-deny", "consent-elsewhere"];

const SECONDS_OF_DAY: u64 = 24 * 3600;
