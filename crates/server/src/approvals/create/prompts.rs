//! How often the people of a question are asked: everybody whose budget it costs is locked, counted and measured in the
//! transaction that asks them (`core::budget`).

use std::collections::BTreeSet;

use writ_core::OAuthError;
use writ_core::access_request::AskedAccess;
use writ_core::budget::{self, Denials, OverBudget, ResourcePrompts};
use writ_core::id::UserId;
use writ_core::pending::{self, PendingRequest};
use writ_store::pending::DeniedQuestion;
use writ_store::standing::Pair;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::node::app::App;

/// What was asked before a question, of people who are locked until the end of the transaction.
pub struct EarlierPrompts(budget::Prompts);

/// Locks everybody whose budget it costs: who may decide, and whom it is about. Refused where that person paused the client, which
/// takes the same locks: no question comes in beside it.
pub async fn guard_prompts(
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<Result<(), OAuthError>, StoreError> {
    let approvers = request.asked.stages.iter().flat_map(|stage| &stage.of);
    let people: BTreeSet<&UserId> = approvers.chain(&request.subject).collect();
    let client = &request.client;
    transaction.guard_prompts_to(&people, client, now).await?;
    if let Some(subject) = &request.subject
        && transaction.is_paused(Pair { subject, client }).await?
    {
        return Ok(Err(OAuthError::client_paused()));
    }
    Ok(Ok(()))
}

/// What was asked before this one; how often its people were asked is counted when it is written.
pub async fn earlier_prompts(
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<EarlierPrompts, StoreError> {
    let Some(subject) = &request.subject else {
        return Ok(EarlierPrompts(budget::Prompts::default()));
    };
    let client = &request.client;
    let since = |age| now.minus(age);
    let lately = transaction
        .prompts(subject, client, since(budget::WINDOW), now)
        .await?;
    let denied = transaction
        .prompts(subject, client, since(budget::LONGEST_PAUSE), now)
        .await?;
    let denied_same = match denied.denials {
        0 => Denials::default(),
        _ => {
            let questions = transaction
                .denied_questions(subject, client, since(budget::LONGEST_PAUSE))
                .await?;
            denials_of(request, &questions)
        }
    };
    Ok(EarlierPrompts(budget::Prompts {
        person: 0,
        agent: lately.agent,
        pair: lately.pair,
        open: lately.open,
        denied: Denials {
            count: denied.denials,
            last_at: denied.last_denied_at,
        },
        denied_same,
        resource: match &request.asked.access {
            Some(question) => {
                resource_prompts(transaction, request, subject, question, now).await?
            }
            None => ResourcePrompts::default(),
        },
    }))
}

/// What this resource asked this person, whoever its callers were. Its locks are the person's.
async fn resource_prompts(
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    subject: &UserId,
    question: &AskedAccess,
    now: Timestamp,
) -> Result<ResourcePrompts, StoreError> {
    let resource = &question.resource;
    let since = |age| now.minus(age);
    let lately = transaction
        .prompts_of_resource(subject, resource, since(budget::WINDOW), now)
        .await?;
    let denied = transaction
        .prompts_of_resource(subject, resource, since(budget::LONGEST_PAUSE), now)
        .await?;
    let denied_same = match denied.denials {
        0 => Denials::default(),
        _ => {
            let questions = transaction
                .questions_denied_to_resource(subject, resource, since(budget::LONGEST_PAUSE))
                .await?;
            denials_of(request, &questions)
        }
    };
    Ok(ResourcePrompts {
        asked: lately.asked,
        open: lately.open,
        denied: Denials {
            count: denied.denials,
            last_at: denied.last_denied_at,
        },
        denied_same,
        silenced_until: lately.silenced_until,
    })
}

/// Denials of the same content, though in other words, in another task or for another transaction.
fn denials_of(request: &PendingRequest, denied: &[DeniedQuestion]) -> Denials {
    let content = pending::content_hash(&request.asked.authority);
    let same = denied
        .iter()
        .filter(|denied| pending::content_hash(&denied.authority) == content);
    same.fold(Denials::default(), |denials, denied| Denials {
        count: denials.count + 1,
        last_at: denials.last_at.max(Some(denied.at)),
    })
}

/// Whether one more question may be asked, once it is written.
pub async fn within_budget(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    EarlierPrompts(earlier): EarlierPrompts,
    now: Timestamp,
) -> Result<Result<(), OverBudget>, StoreError> {
    let since = now.minus(budget::WINDOW);
    let person = transaction
        .prompts_of_people(&request.id, since, now)
        .await?;
    let prompts = budget::Prompts { person, ..earlier };
    Ok(budget::check(&prompts, &app.config.prompts, now))
}
