//! Changes that widen or revive: a service proposes one, an operator signs its hash, and then it is applied once, judged by the records as
//! they are at that moment.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use writ_core::id::{ClientId, ProposalId};
use writ_jose::hash;
use writ_store::DatabaseTransaction;
use writ_store::proposal::StoredProposal;
use writ_wire::registration::{ClientFile, ResourceFile};

use super::change::{ChangeContext, ChangedBy, Operator};
use super::change_client::{ClientChange, ClientKind, registered};
use super::disable::{UserSwitch, switch_user};
use super::register::{Registrar, RegistrationError, fault};
use super::suspend::resume_agent;
use crate::node::app::App;

/// How long an operator may sign it.
pub const PROPOSAL_LIFE: Duration = Duration::from_secs(3600);
/// The most that one client may have open.
pub const MAX_OPEN_PROPOSALS: i64 = 100;

/// What is proposed. Records are as the command line reads them; members that nobody knows are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProposedChange {
    /// A client, or with `agent` an agent.
    Register { record: Value },
    /// The record of a client or an agent is replaced.
    Change {
        id: String,
        record: Value,
        /// The record that it replaces: another one by then, and nothing is applied.
        replaces: Value,
    },
    /// A resource is registered, or its record replaced.
    Resource {
        record: Value,
        /// The record that it replaces; absent for a new one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<Value>,
    },
    /// A client, an agent or a guest that is suspended goes on.
    Resume { id: String },
    /// A person who is disabled may come in again.
    Enable { id: String },
}

/// What an operator signs: this change, under this id.
pub fn change_hash(id: &ProposalId, change: &Value) -> String {
    let text = change.to_string();
    hash::digest_text(&[b"proposal", id.as_str().as_bytes(), text.as_bytes()])
}

/// Applies a proposal in a transaction that the caller commits. It is judged anew; `signed_by` names the operator who signed the hash.
pub async fn apply(
    app: &App,
    transaction: &mut DatabaseTransaction,
    proposal: &StoredProposal,
    by: &Operator,
    signed_by: &str,
) -> Result<Value, RegistrationError> {
    if change_hash(&proposal.id, &proposal.change) != proposal.hash {
        return Err(fault(
            "the proposal is not the one that its hash was made of",
        ));
    }
    let now = app.clock.now();
    if !transaction
        .take_proposal(&proposal.id, signed_by, now)
        .await?
    {
        return Err(fault(
            "the proposal was applied before, or its time is over",
        ));
    }
    let change: ProposedChange = serde_json::from_value(proposal.change.clone())?;
    perform(app, transaction, change, by).await
}

/// Makes the change in this transaction. Rolled back, it tells whether the change could be made.
pub async fn perform(
    app: &App,
    transaction: &mut DatabaseTransaction,
    change: ProposedChange,
    by: &Operator,
) -> Result<Value, RegistrationError> {
    let catalogue = app.fresh_catalogue_in(transaction).await?;
    let registrar = Registrar {
        store: &app.store,
        issuer: &catalogue.issuer,
        types: &catalogue.types,
        clock: &app.clock,
        random: &app.random,
        by,
    };
    let change_of = || app.change(ChangedBy::Operator(by), app.clock.now());
    match change {
        ProposedChange::Register { record } => {
            registrar.add_in(transaction, client_file(record)?).await
        }
        ProposedChange::Change {
            id,
            record,
            replaces,
        } => {
            let file = client_file(record)?;
            let kind = match file.agent {
                Some(_) => ClientKind::Agent,
                None => ClientKind::Plain,
            };
            let id = ClientId::from_text(id);
            transaction.hold_client(&id).await?;
            let before = registered(transaction, kind, &id, "change").await?;
            require_same(&before.metadata, &replaces, || kind.name(&id))?;
            let change = ClientChange::Replace(Box::new(file));
            registrar
                .change_client_in(transaction, kind, &id, change)
                .await
        }
        ProposedChange::Resource { record, replaces } => {
            let file: ResourceFile = read(record)?;
            transaction.hold_resource(&file.resource).await?;
            let before = transaction.resource(&file.resource).await?;
            let before = before.map_or_else(null, |(document, _)| document);
            let replaces = replaces.unwrap_or_default();
            require_same(&before, &replaces, || {
                format!("resource `{}`", file.resource)
            })?;
            registrar.add_resource_in(transaction, &file).await
        }
        ProposedChange::Resume { id } => {
            let id = ClientId::from_text(id);
            resume(transaction, &id, change_of()).await
        }
        ProposedChange::Enable { id } => enable(transaction, &id, change_of()).await,
    }
}

async fn resume(
    transaction: &mut DatabaseTransaction,
    id: &ClientId,
    change: ChangeContext<'_>,
) -> Result<Value, RegistrationError> {
    match resume_agent(transaction, id, change).await? {
        true => Ok(json!({ "client_id": id, "state": "active" })),
        false => Err(fault(&format!("`{id}` is not suspended"))),
    }
}

async fn enable(
    transaction: &mut DatabaseTransaction,
    id: &str,
    change: ChangeContext<'_>,
) -> Result<Value, RegistrationError> {
    match switch_user(transaction, id, UserSwitch::Enable, change).await? {
        Some(user) => Ok(json!({ "id": user.id, "state": "enabled" })),
        None => Err(fault(&format!("person `{id}` is not disabled"))),
    }
}

fn client_file(record: Value) -> Result<ClientFile, RegistrationError> {
    read(record)
}

fn read<T: DeserializeOwned>(record: Value) -> Result<T, RegistrationError> {
    serde_json::from_value(record).map_err(|e| fault(&format!("`record`: {e}")))
}

fn null() -> String {
    Value::Null.to_string()
}

/// The record is the one that the proposal was made for.
fn require_same(
    stored: &str,
    replaces: &Value,
    name: impl Fn() -> String,
) -> Result<(), RegistrationError> {
    let stored: Value = serde_json::from_str(stored)?;
    match stored == *replaces {
        true => Ok(()),
        false => Err(RegistrationError::ChangedMeanwhile(name())),
    }
}
