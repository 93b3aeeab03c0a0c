//! What an authorization request asks for becomes an authority, or a refusal (PAR, RFC 9126 section 2.1; RAR, RFC 9396; RFC 8707).

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_authority::{Authority, ScopeGrant};
use writ_jose::key::Thumbprint;
use writ_wire::authorization::AuthorizationRequest;
use writ_wire::error::Excess;
use writ_wire::mission::MissionIntent;
use writ_wire::rar::Detail;
use writ_wire::registration::Profile;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::ceiling;
use crate::client::{Client, PkceRule};
use crate::guest::GuestLifetime;
use crate::id::UserId;
use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::requirements::requirements;
use crate::scope;

pub use crate::scope::OPENID;

/// A request that a person may be asked to approve; kept as JSON with the `request_uri`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreparedRequest {
    pub request: AuthorizationRequest,
    pub redirect_uri: String,
    pub authority: Authority,
    /// The key that must redeem the code.
    pub jkt: Option<Thumbprint>,
    /// Absent for implicit tasks.
    pub purpose: Option<String>,
    pub task_expires_at: Option<Timestamp>,
    /// Whether the client authenticated when it pushed this.
    pub pushed: bool,
    /// The key that signed the client's assertion then. Rows of earlier versions do not say: then nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<Thumbprint>,
    /// Whom `id_token_hint` names: nobody else may answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hinted: Option<UserId>,
}

/// How the request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// By PAR, with the key of the `DPoP` header and the one that signed the client's assertion, if there were any.
    Pushed {
        proof: Option<&'a Thumbprint>,
        signer: Option<&'a Thumbprint>,
    },
    /// In the front channel.
    Front,
}

/// What any request asks for, before it is known where it belongs.
pub struct Wanted<'a> {
    pub scopes: &'a [String],
    pub resources: &'a [ResourceUri],
    pub details: &'a [Detail],
}

/// Decides whether this client may ask a person for this.
pub fn prepare(
    request: AuthorizationRequest,
    client: &Client,
    arrival: Arrival<'_>,
    context: &mut RequestContext<'_>,
) -> Result<PreparedRequest, OAuthError> {
    client.may_use(GrantType::AuthorizationCode)?;
    if arrival == Arrival::Front && client.require_pushed {
        return Err(OAuthError::invalid_request(
            "this client must push its requests to `/par`",
        ));
    }
    let redirect_uri = client.redirect_uri(request.redirect_uri.as_deref())?;
    check_openid(&request)?;
    check_pkce(&request, client)?;
    let jkt = bound_key(&request, arrival)?;
    let (purpose, task_expires_at) = intent(request.mission_intent.as_ref(), client, context)?;
    let wanted = Wanted {
        scopes: &request.scope,
        resources: &request.resource,
        details: &request.authorization_details,
    };
    let authority = resolve(&wanted, client, context)?;
    if authority.is_empty() {
        return Err(OAuthError::invalid_scope(
            "the request asks for nothing: name `scope`, `authorization_details` or `resource`",
        ));
    }
    requirements(&authority, client, None, None, context.realm).allow_consent()?;
    let (pushed, signed_by) = match arrival {
        Arrival::Pushed { signer, .. } => (true, signer.cloned()),
        Arrival::Front => (false, None),
    };
    Ok(PreparedRequest {
        request,
        redirect_uri,
        authority,
        jkt,
        purpose,
        task_expires_at,
        pushed,
        signed_by,
        hinted: None,
    })
}

/// What preparing a request needs from outside: the tenant, the time, and names for the objects asked for.
pub struct RequestContext<'a> {
    pub realm: Realm<'a>,
    pub now: Timestamp,
    pub mission_intent: bool,
    pub make_ref: &'a mut dyn FnMut() -> String,
}

/// The authority that is asked for, inside what the client is registered for and, for an agent, its ceiling. A client that
/// names neither scope nor object may get the default scopes of the resource.
pub fn resolve(
    wanted: &Wanted<'_>,
    client: &Client,
    context: &mut RequestContext<'_>,
) -> Result<Authority, OAuthError> {
    let resources = registered_resources(wanted.resources, context.realm)?;
    let wanted = Wanted {
        resources: &resources,
        ..*wanted
    };
    let mut scopes = scope::resolve(&wanted, client, context.realm)?;
    scopes.extend(scope::defaults(&wanted, client, context.realm)?);
    with_details(&wanted, scopes, client, context)
}

/// As [`resolve`], but a resource without scope is the audience alone: of one operation, which its server describes.
pub fn resolve_operation(
    wanted: &Wanted<'_>,
    client: &Client,
    context: &mut RequestContext<'_>,
) -> Result<Authority, OAuthError> {
    let resources = registered_resources(wanted.resources, context.realm)?;
    let wanted = Wanted {
        resources: &resources,
        ..*wanted
    };
    let scopes = scope::resolve(&wanted, client, context.realm)?;
    with_details(&wanted, scopes, client, context)
}

fn with_details(
    wanted: &Wanted<'_>,
    scopes: BTreeSet<ScopeGrant>,
    client: &Client,
    context: &mut RequestContext<'_>,
) -> Result<Authority, OAuthError> {
    let realm = context.realm;
    let located = located(wanted, client, realm)?;
    let details =
        writ_authority::consent::prepare(located, realm.types, |_| None, context.make_ref)
            .map_err(|p| OAuthError::invalid_details(p.to_string()))?;
    let asked = ceiling::order(&details);
    let authority = Authority::new(scopes, details, wanted.resources.iter().cloned().collect());
    ceiling::admits_asked(&authority, &asked, client, realm)?;
    Ok(authority)
}

/// OpenID Connect requires `redirect_uri`, also where only one is registered (OpenID Connect Core 3.1.2.1).
fn check_openid(request: &AuthorizationRequest) -> Result<(), OAuthError> {
    if asks_openid(request) && request.redirect_uri.is_none() {
        return Err(OAuthError::invalid_request(
            "parameter `redirect_uri` is missing: a request with `openid` names it",
        ));
    }
    Ok(())
}

fn asks_openid(request: &AuthorizationRequest) -> bool {
    request.scope.iter().any(|scope| scope == OPENID)
}

/// Without PKCE `nonce` ties the code to the request (OAuth 2.1 section 7.5.1): for clients whose record allows it.
fn check_pkce(request: &AuthorizationRequest, client: &Client) -> Result<(), OAuthError> {
    if request.code_challenge.is_some() {
        return Ok(());
    }
    let has_nonce = request.nonce.is_some() && asks_openid(request);
    match client.openid.pkce {
        PkceRule::UnlessNonce if has_nonce => Ok(()),
        PkceRule::UnlessNonce => Err(OAuthError::invalid_request(
            "parameter `code_challenge` is missing: without it a request needs `openid` and `nonce`",
        )),
        PkceRule::Always => Err(OAuthError::invalid_request(
            "parameter `code_challenge` is missing",
        )),
    }
}

fn bound_key(
    request: &AuthorizationRequest,
    arrival: Arrival<'_>,
) -> Result<Option<Thumbprint>, OAuthError> {
    let asked = match request.dpop_jkt.as_deref() {
        Some(text) => Some(Thumbprint::parse(text).ok_or_else(|| {
            OAuthError::invalid_request("parameter `dpop_jkt` is no JWK SHA-256 thumbprint")
        })?),
        None => None,
    };
    match (asked, arrival) {
        (
            Some(asked),
            Arrival::Pushed {
                proof: Some(proof), ..
            },
        ) if asked != *proof => Err(OAuthError::invalid_proof(
            "`dpop_jkt` is not the key of the `DPoP` header",
        )),
        (None, Arrival::Pushed { proof, .. }) => Ok(proof.cloned()),
        (asked, _) => Ok(asked),
    }
}

/// The purpose, and when the task ends at the latest.
pub(crate) fn intent(
    intent: Option<&MissionIntent>,
    client: &Client,
    context: &RequestContext<'_>,
) -> Result<(Option<String>, Option<Timestamp>), OAuthError> {
    let Some(intent) = intent else {
        return Ok((None, None));
    };
    if !context.mission_intent {
        return Err(OAuthError::invalid_request(
            "parameter `mission_intent` is not switched on at this server",
        ));
    }
    let expires_at = intent.expires_at();
    if expires_at.is_some_and(|at| at <= context.now) {
        return Err(OAuthError::invalid_request(
            "`mission_intent` expires in the past",
        ));
    }
    let longest = longest_task(client);
    if expires_at.is_some_and(|at| at > context.now.plus(longest)) {
        let sentence = format!(
            "`mission_intent` expires later than the {} seconds that this client may have",
            longest.as_secs()
        );
        return Err(
            OAuthError::invalid_request(sentence).with_excess(vec![Excess {
                pointer: "/mission_intent/intent/expires_at".to_owned(),
                requested: intent.intent.expires_at.clone().into(),
                granted: None,
            }]),
        );
    }
    Ok((Some(intent.purpose().to_owned()), expires_at))
}

/// The longest life of a task of this client.
pub fn longest_task(client: &Client) -> Duration {
    if client.is_guest() {
        return GuestLifetime::Month.duration();
    }
    client
        .agent
        .as_ref()
        .map_or(client.task_lifetime, |agent| agent.longest_task)
}

/// Each as it is registered, however the client spells it.
fn registered_resources(
    resources: &[ResourceUri],
    realm: Realm<'_>,
) -> Result<Vec<ResourceUri>, OAuthError> {
    let registered = resources.iter().map(|uri| {
        realm.registered(uri).cloned().ok_or_else(|| {
            OAuthError::invalid_target(format!("resource `{uri}` is not registered"))
        })
    });
    registered.collect()
}

/// Checks every object and gives it its resource.
fn located(
    wanted: &Wanted<'_>,
    client: &Client,
    realm: Realm<'_>,
) -> Result<Vec<Detail>, OAuthError> {
    for (place, detail) in wanted.details.iter().enumerate() {
        if !client.may_ask_type(detail.type_name()) {
            let sentence = format!(
                "`/{place}/type`: type `{}` is not registered for this client",
                detail.type_name()
            );
            return Err(OAuthError::invalid_details(sentence));
        }
        if detail.reference().is_some() {
            return Err(OAuthError::invalid_details(format!(
                "`/{place}/ref` is made by this server, at consent"
            )));
        }
    }
    realm
        .types
        .check_requested(wanted.details)
        .map_err(|p| OAuthError::invalid_details(p.to_string()))?;
    wanted
        .details
        .iter()
        .enumerate()
        .map(|(place, d)| locate(place, d, wanted, realm))
        .collect()
}

fn locate(
    place: usize,
    detail: &Detail,
    wanted: &Wanted<'_>,
    realm: Realm<'_>,
) -> Result<Detail, OAuthError> {
    let name = detail.type_name();
    let serves = |uri: &ResourceUri| {
        realm
            .resources
            .get(uri)
            .is_some_and(|r| r.details_types.contains(name))
    };
    let mut named = Vec::new();
    for location in detail.locations() {
        let uri = ResourceUri::parse(location).ok();
        let registered = uri.as_ref().and_then(|uri| realm.registered(uri));
        let Some(uri) = registered.filter(|uri| serves(uri)) else {
            let sentence = format!(
                "`/{place}/locations`: resource `{location}` does not register type `{name}`"
            );
            return Err(OAuthError::invalid_details(sentence));
        };
        named.push(uri.as_str());
    }
    if !named.is_empty() {
        return Ok(detail.clone().with("locations", named.into()));
    }
    let asked: Vec<&ResourceUri> = wanted.resources.iter().filter(|uri| serves(uri)).collect();
    let homes = if wanted.resources.is_empty() {
        // Two are too many already.
        realm.resources.serving(name).take(2).collect()
    } else {
        asked
    };
    match homes.as_slice() {
        [only] => Ok(detail.clone().with("locations", vec![only.as_str()].into())),
        [] => Err(OAuthError::invalid_details(format!(
            "`/{place}/type`: no resource asked for registers type `{name}`"
        ))),
        _ => Err(OAuthError::invalid_details(format!(
            "`/{place}/locations`: several resources register type `{name}`: name one"
        ))),
    }
}

/// Whether consent may be remembered and `prompt=none` may succeed: never, for an agent.
pub fn always_asks(client: &Client) -> bool {
    matches!(client.profile, Profile::Agent | Profile::Guest)
}
