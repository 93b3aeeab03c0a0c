//! A guest's document against what the grant kept of it (draft-ietf-oauth-client-id-metadata-document-03 section 6.3): a weaker
//! method, or a key that is gone, suspends its tasks; any other change ends its open codes.

use serde_json::json;
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::guest::{DocumentChange, KeptDocument};
use writ_core::lineage::Lineage;
use writ_store::DatabaseTransaction;
use writ_store::stop::StopEvents;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::token_request::TokenRequestContext;

/// What is presented of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresentedGrant {
    Code,
    RefreshToken,
}

/// Gives the transaction back if the grant may go on.
pub async fn check_document(
    context: &TokenRequestContext<'_>,
    mut transaction: DatabaseTransaction,
    lineage: &Lineage,
    presented: PresentedGrant,
) -> Result<DatabaseTransaction, Failure> {
    let client = &context.caller.client;
    if !client.is_guest() {
        return Ok(transaction);
    }
    let Some(kept) = transaction.guest_grant(&lineage.task.id).await? else {
        let refusal =
            OAuthError::invalid_grant("what this request builds on is no grant of a guest");
        return Err(context.refuse_below(refusal, lineage));
    };
    match (kept.compare_with(client), presented) {
        (DocumentChange::None, _) | (DocumentChange::Other, PresentedGrant::RefreshToken) => {
            Ok(transaction)
        }
        (DocumentChange::Other, PresentedGrant::Code) => {
            let refusal = OAuthError::invalid_grant(
                "the client's metadata document changed since the person agreed: ask again",
            );
            Err(context.refuse_below(refusal, lineage))
        }
        (DocumentChange::Weaker, _) => Err(suspend(context, transaction, lineage, &kept).await?),
    }
}

/// Everything that this guest may do by a stronger document, this one or another, waits until its people let it go on.
async fn suspend(
    context: &TokenRequestContext<'_>,
    mut transaction: DatabaseTransaction,
    lineage: &Lineage,
    kept: &KeptDocument,
) -> Result<Failure, Failure> {
    let (app, client) = (context.app, &context.caller.client);
    suspend_tasks(app, &mut transaction, client, kept).await?;
    let now = app.clock.now();
    for other in transaction.guest_documents(&client.id, now).await? {
        if other != *kept && other.compare_with(client) == DocumentChange::Weaker {
            suspend_tasks(app, &mut transaction, client, &other).await?;
        }
    }
    transaction.commit().await?;
    let refusal = OAuthError::invalid_grant(
        "the client's metadata document became weaker since the person agreed: they must let it go on",
    );
    Ok(context.refuse_below(refusal, lineage))
}

/// The tasks of this guest whose grants keep this very document wait; each with its event.
pub async fn suspend_tasks(
    app: &App,
    transaction: &mut DatabaseTransaction,
    client: &Client,
    kept: &KeptDocument,
) -> Result<(), Failure> {
    let now = app.clock.now();
    let data =
        json!({ "because": "the client's metadata document became weaker", "profile": "guest" });
    let events = StopEvents {
        id: &app.event_id(now),
        now,
        data: &data.to_string(),
    };
    transaction
        .suspend_guest_tasks(&client.id, kept, events)
        .await?;
    Ok(())
}
