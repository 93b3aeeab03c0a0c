//! Changes: what contains is done at once, what takes away for good only over the record that was read, and what widens is proposed. Each is
//! one transaction with its event, and with the answer that is given again to the same `Idempotency-Key`.

pub mod containing;

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use writ_core::OAuthError;
use writ_core::id::{ClientId, ProposalId};
use writ_jose::hash;
use writ_store::DatabaseTransaction;
use writ_store::api_idempotency::{KeyOutcome, KeyedRequest};
use writ_store::proposal::StoredProposal;
use writ_wire::access::{IDEMPOTENCY_KEY, KEY_LENGTH, idempotency_key};
use writ_wire::resource::ResourceUri;
use writ_wire::strict_json;

use super::ApiRequest;
use super::caller::ApiCaller;
use super::operation::{Action, Registered, View};
use super::problem::{ApiFailure, ProblemKind};
use super::reading::record;
use super::representation::sent;
use crate::approvals::close::Endings;
use crate::client::incoming::RequestHead;
use crate::node::app::App;
use crate::node::failure::ServerFault;
use crate::operate::change_client::ClientKind;
use crate::operate::proposal::{
    MAX_OPEN_PROPOSALS, PROPOSAL_LIFE, ProposedChange, change_hash, perform,
};
use crate::operate::register::{Registrar, RegistrationError};

/// How long an answer is given again to its key.
pub const KEYS_KEPT: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// What was done.
pub(super) struct Done {
    status: StatusCode,
    body: Value,
    /// Told after the commit.
    endings: Endings,
}

impl Done {
    fn with(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            endings: Endings::default(),
        }
    }
}

/// The change that one request asks for, in its transaction.
pub(super) struct Changing<'a> {
    app: &'a App,
    caller: &'a ApiCaller,
    request: &'a ApiRequest,
}

/// A proposal, as its client and operators see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProposalEntry {
    pub id: String,
    /// What an operator signs.
    pub hash: String,
    pub change: Value,
    pub proposed_by: String,
    pub proposed_at: String,
    pub expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

impl ProposalEntry {
    pub fn of(stored: StoredProposal) -> Self {
        Self {
            id: stored.id.to_string(),
            hash: stored.hash,
            change: stored.change,
            proposed_by: stored.proposed_by.to_string(),
            proposed_at: stored.proposed_at.rfc3339(),
            expires_at: stored.expires_at.rfc3339(),
            applied_at: stored.applied_at.map(|at| at.rfc3339()),
            signed_by: stored.signed_by,
        }
    }
}

/// The body of a request that proposes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    pub change: ProposedChange,
}

pub async fn change(
    action: Action,
    request: &ApiRequest,
    caller: &ApiCaller,
) -> Result<Response, ApiFailure> {
    let head = &request.incoming.head;
    let app: &App = &head.app;
    let now = app.clock.now();
    let changing = Changing {
        app,
        caller,
        request,
    };
    let key = key(&head.headers)?;
    let digests = key.map(|key| digests(key, request)).transpose()?;
    let keyed = digests.as_ref().map(|(key, asked)| KeyedRequest {
        client: &caller.client.id,
        key_digest: key,
        request_digest: asked,
    });
    let until = now.plus(KEYS_KEPT);
    if action == Action::Propose {
        // What is known by its key is answered as it was, whatever could be proposed by now.
        if let Some(keyed) = keyed {
            let mut looking = app.begin().await?;
            match looking.begin_keyed(keyed, now, until).await? {
                KeyOutcome::Begun => {}
                other => return known(other),
            }
        }
        changing.try_proposal().await?;
    }
    let mut transaction = app.begin().await?;
    if let Some(keyed) = keyed {
        match transaction.begin_keyed(keyed, now, until).await? {
            KeyOutcome::Begun => {}
            other => return known(other),
        }
    }
    let done = changing.make(action, &mut transaction).await?;
    let text = done.body.to_string();
    if let Some(keyed) = keyed {
        let status = done.status.as_u16();
        transaction.answer_keyed(keyed, status, &text).await?;
    }
    let committed = transaction.commit().await;
    committed.map_err(|e| ApiFailure::Failure(ServerFault::of_commit(e).into()))?;
    done.endings.announce(app);
    Ok(sent(done.status, text))
}

/// What is answered to a key that is known.
fn known(outcome: KeyOutcome) -> Result<Response, ApiFailure> {
    match outcome {
        KeyOutcome::Answered { status, answer } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            Ok(sent(status, answer))
        }
        KeyOutcome::TooMany => Err(ApiFailure::problem(
            ProblemKind::TooMany,
            "too many keys of the last 24 hours are remembered for this client",
        )),
        KeyOutcome::Begun | KeyOutcome::Reused => Err(ApiFailure::problem(
            ProblemKind::KeyReused,
            "another request came with this `Idempotency-Key`: draw a new one for each",
        )),
    }
}

fn resource_uri(text: &str) -> Result<ResourceUri, ApiFailure> {
    ResourceUri::parse(text).map_err(|_| ApiFailure::not_found("resource"))
}

/// One key, or none.
fn key(headers: &HeaderMap) -> Result<Option<&str>, ApiFailure> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(idempotency_key);
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => {
            let (least, most) = (KEY_LENGTH.start(), KEY_LENGTH.end());
            Err(OAuthError::invalid_request(format!(
                "`Idempotency-Key` is one header with {least} to {most} visible ASCII characters"
            ))
            .into())
        }
    }
}

/// Of the key, and of all that is asked with it.
fn digests(key: &str, request: &ApiRequest) -> Result<(String, String), ApiFailure> {
    let head = &request.incoming.head;
    let condition = head.headers.get(http::header::IF_MATCH);
    let body = request.incoming.body.optional_json()?;
    let asked = hash::digest_text(&[
        b"asked of the api",
        head.method.as_str().as_bytes(),
        head.path.as_bytes(),
        request.query.as_bytes(),
        condition.map_or(&b""[..], |value| value.as_bytes()),
        body.unwrap_or_default(),
    ]);
    Ok((
        hash::digest_text(&[b"key of the api", key.as_bytes()]),
        asked,
    ))
}

impl Changing<'_> {
    async fn make(
        &self,
        action: Action,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Done, ApiFailure> {
        if !self.request.query.is_empty() {
            return Err(
                OAuthError::invalid_request("a change has no parameters in its URL").into(),
            );
        }
        match action {
            Action::Stop(what) => self.contain(what, transaction).await,
            Action::Remove(what) => self.remove(what, transaction).await,
            Action::Propose => self.propose(transaction).await,
            Action::Read(_) => Err(ApiFailure::not_found("change")),
        }
    }

    /// The body, whose members are all known; without one, what it says by default.
    fn body<T: DeserializeOwned + Default>(&self) -> Result<T, ApiFailure> {
        match self.request.incoming.body.optional_json()? {
            Some(text) => read(text),
            None => Ok(T::default()),
        }
    }

    fn head(&self) -> &RequestHead {
        &self.request.incoming.head
    }

    /// Over the record that was read, and no other.
    async fn remove(
        &self,
        what: Registered,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Done, ApiFailure> {
        let (view, kind) = match what {
            Registered::Agent => (View::Agent, ClientKind::Agent),
            Registered::Client => (View::Client, ClientKind::Plain),
            Registered::Resource => (View::Resource, ClientKind::Plain),
        };
        let (app, id) = (self.app, self.request.id.as_str());
        match what {
            Registered::Resource => transaction.hold_resource(&resource_uri(id)?).await?,
            Registered::Agent | Registered::Client => {
                transaction.hold_client(&ClientId::from_text(id)).await?;
            }
        }
        let found = record(view, id, transaction, app.clock.now()).await?;
        found.require_match(&self.head().headers)?;
        let catalogue = app.fresh_catalogue_in(transaction).await?;
        let registrar = Registrar {
            store: &app.store,
            issuer: &catalogue.issuer,
            types: &catalogue.types,
            clock: &app.clock,
            random: &app.random,
            by: &self.caller.operator,
        };
        let removed = match what {
            Registered::Resource => {
                let uri = resource_uri(id)?;
                registrar.remove_resource_in(transaction, &uri).await?
            }
            Registered::Agent | Registered::Client => {
                let id = ClientId::from_text(id);
                registrar.remove_client_in(transaction, kind, &id).await?
            }
        };
        Ok(Done::with(removed))
    }

    fn proposed(&self) -> Result<ProposedChange, ApiFailure> {
        let text = self.request.incoming.body.json()?;
        let read: ProposalRequest = read(text)?;
        Ok(read.change)
    }

    /// Makes the change and takes all of it back, so that nothing is proposed that could not be applied.
    async fn try_proposal(&self) -> Result<(), ApiFailure> {
        let change = self.proposed()?;
        let mut trying = self.app.begin().await?;
        let by = &self.caller.operator;
        match perform(self.app, &mut trying, change, by).await {
            Ok(_) => Ok(()),
            Err(RegistrationError::Json(error)) => {
                Err(OAuthError::invalid_request(error.to_string()).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn propose(&self, transaction: &mut DatabaseTransaction) -> Result<Done, ApiFailure> {
        let (app, client) = (self.app, &self.caller.client.id);
        let now = app.clock.now();
        let open = transaction.open_proposals(client, now, MAX_OPEN_PROPOSALS);
        if open.await? >= MAX_OPEN_PROPOSALS {
            return Err(ApiFailure::problem(
                ProblemKind::TooMany,
                "too many proposals of this client wait for an operator",
            ));
        }
        let change = json!(self.proposed()?);
        let id = ProposalId::make(now, app.entropy());
        let proposal = StoredProposal {
            hash: change_hash(&id, &change),
            id,
            change,
            proposed_by: client.clone(),
            proposed_at: now,
            expires_at: now.plus(PROPOSAL_LIFE),
            applied_at: None,
            signed_by: None,
        };
        transaction.insert_proposal(&proposal).await?;
        let event = containing::proposed(self, &proposal);
        transaction.insert_event(&event).await?;
        let url = app.config.url(&format!("/admin/changes/{}", proposal.id));
        let body = json!({
            "id": proposal.id, "hash": proposal.hash, "url": url,
            "expires_at": proposal.expires_at.rfc3339(),
        });
        Ok(Done {
            status: StatusCode::ACCEPTED,
            ..Done::with(body)
        })
    }
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiFailure> {
    // An object alone: a list would be taken for its members in their order.
    let members = strict_json::read::<Map<String, Value>>(text);
    let read = members.and_then(|members| serde_json::from_value(Value::Object(members)));
    read.map_err(|e| OAuthError::invalid_request(format!("the body: {e}")).into())
}
