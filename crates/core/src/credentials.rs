//! `client_credentials` (OAuth 2.1 section 4.2): an agent's own work is a task too, under its ceiling, with its sponsor responsible.

use writ_authority::{Authority, ScopeGrant};
use writ_jose::key::Thumbprint;
use writ_wire::claims::ApprovalBasis;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::ClientCredentialsRequest;

use crate::api;
use crate::client::Client;
use crate::delegation::{self, Delegation};
use crate::id::{ApprovalId, DelegationId, TaskId, TransactionId};
use crate::oauth_error::OAuthError;
use crate::onward::Onward;
use crate::realm::Realm;
use crate::request::{RequestContext, Wanted, longest_task, resolve};
use crate::requirements::requirements;
use crate::scope::{ACCESS, is_identity};
use crate::target;
use crate::task::{Approval, Subject, Task};

/// Names for what is made, drawn by the caller.
pub struct OwnWorkIds {
    pub task: TaskId,
    pub delegation: DelegationId,
    pub approval: ApprovalId,
    pub transaction: TransactionId,
    pub salt: String,
}

/// To be written in one transaction, and minted.
pub struct OwnWork {
    pub task: Task,
    pub delegation: Delegation,
    pub audience: ResourceUri,
    pub view: Authority,
}

/// Opens the task. Without resource, scope and details the audience is the issuer: good as an actor token alone.
pub fn own_work(
    request: &ClientCredentialsRequest,
    client: &Client,
    proof: Option<&Thumbprint>,
    context: &mut RequestContext<'_>,
    ids: OwnWorkIds,
) -> Result<OwnWork, OAuthError> {
    let realm = context.realm;
    if let Some((audience, authority)) = api::granted(request, client, proof, realm.issuer)? {
        let target = TokenTarget {
            audience,
            authority,
        };
        return Ok(opened(target, client, proof, context.now, ids));
    }
    let scopes: Vec<String> = request.scope.iter().map(str::to_owned).collect();
    if let Some(scope) = scopes.iter().find(|scope| is_identity(scope)) {
        return Err(OAuthError::invalid_scope(format!(
            "scope `{scope}` needs a person"
        )));
    }
    let wanted = Wanted {
        scopes: &scopes,
        resources: &request.resource,
        details: &request.authorization_details,
    };
    let asked = match asks_decisions(&wanted, client, realm) {
        true => access(realm),
        false => resolve(&wanted, client, context)?,
    };
    let authority = if asked.is_empty() {
        issuer_only(client, realm)?
    } else {
        asked
    };
    requirements(&authority, client, None, None, realm).allow_own_work()?;
    let audience = target::audience(&authority, &request.resource, realm)?;
    let target = TokenTarget {
        audience,
        authority,
    };
    Ok(opened(target, client, proof, context.now, ids))
}

/// What the task may do, and for whom its first token is.
struct TokenTarget {
    audience: ResourceUri,
    authority: Authority,
}

fn opened(
    target: TokenTarget,
    client: &Client,
    proof: Option<&Thumbprint>,
    now: Timestamp,
    ids: OwnWorkIds,
) -> OwnWork {
    let TokenTarget {
        audience,
        authority,
    } = target;
    let view = authority.view(&audience);
    let task = task(client, authority, now, &ids);
    let delegation = root(&task, client, proof, ids.delegation);
    OwnWork {
        task,
        delegation,
        audience,
        view,
    }
}

/// Whether the token is to ask for decisions alone: the issuer's scope `access`, of a client that serves a resource.
fn asks_decisions(wanted: &Wanted<'_>, client: &Client, realm: Realm<'_>) -> bool {
    let alone = wanted.scopes == [ACCESS] && wanted.details.is_empty();
    let of_issuer = wanted.resources.iter().all(|uri| uri == realm.issuer);
    alone && of_issuer && realm.resources.are_served_by(&client.id)
}

fn access(realm: Realm<'_>) -> Authority {
    let scope = ScopeGrant {
        resource: realm.issuer.clone(),
        scope: ACCESS.to_owned(),
    };
    Authority::new([scope].into(), Vec::new(), Default::default())
}

fn issuer_only(client: &Client, realm: Realm<'_>) -> Result<Authority, OAuthError> {
    if !client.is_agent() {
        return Err(OAuthError::invalid_scope(
            "the request asks for nothing: name `scope`, `authorization_details` or `resource`",
        ));
    }
    Ok(Authority::new(
        Default::default(),
        Vec::new(),
        [realm.issuer.clone()].into(),
    ))
}

fn task(client: &Client, authority: Authority, now: Timestamp, ids: &OwnWorkIds) -> Task {
    let subject = if client.is_agent() {
        Subject::Agent
    } else {
        Subject::Client
    };
    Task {
        id: ids.task.clone(),
        subject: subject(client.id.to_string()),
        client: client.id.clone(),
        purpose: None,
        authority,
        salt: ids.salt.clone(),
        transaction: ids.transaction.clone(),
        approval: Approval {
            id: ids.approval.clone(),
            basis: ApprovalBasis::Policy,
            at: now,
            authentication: None,
            transaction: None,
            by: None,
            people: 0,
            designation: None,
        },
        created_at: now,
        expires_at: now.plus(client.task_lifetime.min(longest_task(client))),
    }
}

fn root(task: &Task, client: &Client, proof: Option<&Thumbprint>, id: DelegationId) -> Delegation {
    Delegation {
        path: delegation::path(None, &id),
        id,
        task: task.id.clone(),
        parent: None,
        asked_by: None,
        approval: None,
        holder: client.id.clone(),
        requested_by: client.id.clone(),
        authority: task.authority.clone(),
        onward: client
            .agent
            .as_ref()
            .map_or_else(Onward::nobody, |a| a.onward.clone()),
        act: None,
        jkt: proof.cloned(),
        created_at: task.created_at,
        expires_at: task.expires_at,
    }
}
