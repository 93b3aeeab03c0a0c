//! The one door of the console: a request comes in with the operator who sent it, or is answered here.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::request::Parts;
use writ_core::id::UserId;
use writ_core::operator::{ConsoleTimes, OperatorRole};
use writ_pages::{ConsoleEntrance, ConsoleView, EntranceProblem, EntranceStep, Texts};
use writ_store::{DatabaseTransaction, StoreError};

use super::HOME;
use super::session::{ConsoleKeys, keys, open_console, still_open};
use crate::node::app::App;
use crate::operate::change::Operator;
use crate::people::error::PageError;
use crate::people::passkeys::can_prove_by_passkey;
use crate::people::request::{SignedIn, Visitor};

/// An operator at their console.
#[derive(Clone)]
pub struct ConsoleOperator {
    pub id: UserId,
    pub name: String,
    pub role: OperatorRole,
    pub times: ConsoleTimes,
    keys: ConsoleKeys,
}

impl ConsoleOperator {
    /// As the events of their changes name them.
    pub fn changing(&self) -> Operator {
        Operator::Person {
            id: self.id.clone(),
            name: self.name.clone(),
        }
    }

    /// The transaction of a change by this operator. It holds their row, so that what ends their session, their office or their console comes
    /// wholly before it or wholly after it.
    pub async fn begin_change(&self, app: &App) -> Result<DatabaseTransaction, PageError> {
        let began = app.begin_change(&self.id, &self.keys.session).await?;
        let page = Some(HOME.to_owned());
        let Some(mut transaction) = began else {
            return Err(PageError::SignedOut { page });
        };
        let open = still_open(app, &mut transaction, &self.keys).await?;
        match open.is_some_and(|open| open.role == self.role) {
            true => Ok(transaction),
            false => Err(PageError::SignedOut { page }),
        }
    }

    /// Of the person's session, whose row holds the console.
    pub fn session(&self) -> &str {
        &self.keys.session
    }

    /// What the frame of every page shows.
    pub fn frame(&self, visitor: &Visitor) -> ConsoleView {
        ConsoleView {
            csrf: visitor.browser.csrf(),
            name: self.name.clone(),
            role: self.role,
            since: self.times.since,
            until: self.times.latest(),
        }
    }
}

impl FromRequestParts<Arc<App>> for ConsoleOperator {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, PageError> {
        let admitted = parts.extensions.get::<Self>().cloned();
        admitted.ok_or_else(|| PageError::broken("a page of the console is outside of its door"))
    }
}

/// The layer over every route of the console.
pub async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let page = match (&parts.method, parts.uri.path_and_query()) {
        (&Method::GET, Some(page)) => page.as_str().to_owned(),
        _ => HOME.to_owned(),
    };
    let visitor = match Visitor::from_request_parts(&mut parts, &app).await {
        Ok(visitor) => visitor,
        Err(error) => return error.into_response(),
    };
    match operator(&visitor, &page).await {
        Ok(operator) => {
            parts.extensions.insert(operator);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(Turned::Away(response)) => *response,
        Err(Turned::Failed(error)) => error.into_response(),
    }
}

/// Why a request does not come in.
enum Turned {
    /// A page says how the console is opened, or to whom it does not open.
    Away(Box<Response>),
    Failed(PageError),
}

impl From<PageError> for Turned {
    fn from(error: PageError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Turned {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

async fn operator(visitor: &Visitor, page: &str) -> Result<ConsoleOperator, Turned> {
    let person = visitor.signed_in(page)?;
    if let Some(keys) = keys(visitor)
        && let Some(open) = open_console(person.app, &keys).await?
    {
        return Ok(ConsoleOperator {
            id: person.id().clone(),
            name: person.user().name.clone(),
            role: open.role,
            times: open.times,
            keys,
        });
    }
    let step = step(person, page.to_owned(), None).await?;
    let response = entrance(person, step).await?;
    Err(Turned::Away(Box::new(response)))
}

/// How far this person is from their console.
pub(super) async fn step(
    person: SignedIn<'_>,
    next: String,
    problem: Option<EntranceProblem>,
) -> Result<EntranceStep, StoreError> {
    let stored = person.app.read().await?.user_by_id(person.id()).await?;
    if stored.is_none_or(|stored| stored.operator_role.is_none()) {
        return Ok(EntranceStep::NotOperator);
    }
    if person.app.passkeys.is_err() {
        return Ok(EntranceStep::Impossible);
    }
    match can_prove_by_passkey(person).await? {
        true => Ok(EntranceStep::Passkey { next, problem }),
        false => Ok(EntranceStep::NoPasskey),
    }
}

pub(super) async fn entrance(
    person: SignedIn<'_>,
    step: EntranceStep,
) -> Result<Response, StoreError> {
    let page = ConsoleEntrance {
        csrf: person.browser.csrf(),
        name: person.user().name.clone(),
        step,
    };
    let texts: Texts = person.texts().await?;
    Ok(page.page(&texts).into_http().into_response())
}
