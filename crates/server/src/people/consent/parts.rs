//! Parts of a consent page and of its record.

use writ_core::authorize::FoundRequest;
use writ_core::consent::{ConsentIds, GrantedConsent};
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, ConsentId, DelegationId, TaskId, TransactionId};
use writ_pages::{DetailView, Texts};
use writ_store::StoreError;
use writ_store::standing::Pair;
use writ_wire::time::Timestamp;

use super::{ConsentQuestion, guest};
use crate::node::app::App;
use crate::node::secret::secret_digest;
use crate::people::request::Visitor;

/// As at the login before.
pub(super) fn texts<'a>(visitor: &'a Visitor, found: &FoundRequest) -> &'a Texts {
    let asked = &found.prepared.request.openid.ui_locales;
    visitor.app.languages.of_request_in(&visitor.headers, asked)
}

/// Whether this person never allowed this agent or guest anything before they were shown this. A plain client that an operator
/// registered is vouched for.
pub(super) async fn is_first(
    app: &App,
    question: &ConsentQuestion,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let client = &question.client;
    if !client.is_agent() && !client.is_guest() {
        return Ok(false);
    }
    let pair = Pair {
        subject: &question.session.user.id,
        client: &client.id,
    };
    let allowed = app.read().await?.first_allowed(pair).await?;
    Ok(allowed.is_none_or(|at| at >= since))
}

pub(super) fn ids(app: &App, code: &str) -> ConsentIds {
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

pub(super) fn events(
    app: &App,
    question: &ConsentQuestion,
    approved: &GrantedConsent,
) -> [Event; 2] {
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
            "client": guest::evidence(question),
        })),
        event(EventName::TaskApproved).with(serde_json::json!({
            "authority": approved.task.authority,
            "onward": approved.delegation.onward,
            "approval": approved.task.approval,
            "expires_at": approved.task.expires_at.rfc3339(),
        })),
    ]
}

pub(super) fn details(question: &ConsentQuestion) -> Vec<DetailView> {
    let lang = question.texts.locale();
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
