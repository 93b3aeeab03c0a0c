//! Registration: a file becomes a client, an agent or a resource, or every fault is named (RFC 7591 section 2).

mod actions;
mod authentication;
mod backchannel;
pub mod dynamic;
mod notes;
mod openid;
mod operator;
mod resource;
mod routes;

pub use actions::is_action_name;
pub use backchannel::MAX_MAY_ASK;
pub use notes::notes;
pub use resource::{check_resource, resource};
#[cfg(test)]
pub(crate) use routes::read_pattern;

use std::collections::BTreeSet;
use std::time::Duration;

use writ_authority::{Ceiling, Types};
use writ_wire::client_document::ClientIdUrl;
use writ_wire::redirect;
use writ_wire::registration::{AgentFile, AuthMethod, ClientFile, Profile};
use writ_wire::scope::Scope;
use writ_wire::token::GrantType;

use crate::checks;
use crate::client::{Agent, Client, User};
use crate::guest;
use crate::id::{AGENT_PREFIX, ClientId, UserId};
use crate::onward::Onward;

/// Life of an implicit task, unless the client says otherwise.
pub const DEFAULT_TASK_LIFETIME: u64 = 3600;
/// The longest task of any client, in seconds.
pub const MAX_TASK_LIFETIME: u64 = 365 * 24 * 3600;
pub const MAX_REDIRECT_URIS: usize = 32;
pub const MAX_NAME: usize = 140;

/// Every fault of a file, each a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Faults(pub Vec<String>);

/// The two people behind an agent.
#[derive(Clone, Debug)]
pub struct People {
    pub owner: User,
    pub sponsor: User,
}

/// Checks a client's file and names all faults at once. `people` is there exactly for agents.
pub fn client(
    file: &ClientFile,
    id: ClientId,
    secret_digest: Option<String>,
    people: Option<&People>,
) -> Result<Client, Faults> {
    let mut faults = Vec::new();
    check_id(&id, file, &mut faults);
    check_text("client_name", &file.client_name, &mut faults);
    check_profile(file, &mut faults);
    check_redirects(file, &mut faults);
    let grant_types = grant_types(file, &mut faults);
    let scope = scope(file, &mut faults);
    let authentication = authentication::read(file, secret_digest, &mut faults);
    let assertion_algorithm = authentication::algorithm(file, &mut faults);
    let agent = agent(file, people, &mut faults);
    let guest = guest::of_file(file, id.as_str());
    let task_lifetime = task_lifetime(file, &mut faults);
    let backchannel = backchannel::read(file, &grant_types, &mut faults);
    let may_ask = backchannel::may_ask(file, &grant_types, &mut faults);
    let operator = operator::read(file, &grant_types, &mut faults);
    let openid = openid::read(file, &mut faults);
    match (authentication, faults.is_empty()) {
        (Some(authentication), true) => Ok(Client {
            id,
            name: guest::name(guest.as_ref(), file),
            profile: file.profile,
            authentication,
            earlier_secret: None,
            redirect_uris: file.redirect_uris.clone(),
            grant_types,
            scope,
            details_types: details_types(file),
            require_pushed: is_strict(file.profile)
                || file.require_pushed_authorization_requests == Some(true),
            dpop_bound: !file.bearer,
            assertion_audience: file.assertion_audience,
            assertion_algorithm,
            task_lifetime,
            backchannel,
            may_ask,
            operator,
            openid,
            agent,
            guest,
        }),
        _ => Err(Faults(faults)),
    }
}

/// Profiles that always push, bind and authenticate by keys.
const fn is_strict(profile: Profile) -> bool {
    match profile {
        Profile::Agent | Profile::Fapi2 => true,
        Profile::Oauth21 | Profile::Guest => false,
    }
}

/// How the client authenticates, when its file does not say.
pub fn auth_method(file: &ClientFile) -> AuthMethod {
    file.token_endpoint_auth_method
        .unwrap_or(match file.profile {
            Profile::Agent | Profile::Fapi2 => AuthMethod::PrivateKeyJwt,
            Profile::Oauth21 => AuthMethod::ClientSecretBasic,
            Profile::Guest if file.jwks.is_some() => AuthMethod::PrivateKeyJwt,
            Profile::Guest => AuthMethod::None,
        })
}

/// Checks what the file says of types against those that are loaded now; only when it is added or changed.
pub fn check_types(client: &Client, types: &Types) -> Result<(), Faults> {
    let names = client.details_types.iter();
    let undeclared = names.filter(|name| types.by_name(name).is_none());
    let mut faults: Vec<String> = undeclared.map(|name| undeclared_type(name)).collect();
    let ceiling = client.agent.as_ref().map(|agent| &agent.ceiling);
    if let Some(Err(problem)) = ceiling.map(|ceiling| ceiling.check(types)) {
        faults.push(format!("`ceiling`: {problem}"));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Faults(faults)),
    }
}

/// A fault of `authorization_details_types`.
pub fn undeclared_type(name: &str) -> String {
    format!("`authorization_details_types`: type `{name}` is not declared in `types.path`")
}

/// A person's name: what they type to log in.
pub fn check_user_name(name: &str) -> Result<(), Faults> {
    let fits = (1..=64).contains(&name.chars().count())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "._-@".contains(c));
    if fits {
        Ok(())
    } else {
        Err(Faults(vec![
            "a name has 1 to 64 letters, digits, `.`, `_`, `-`, `@`".to_owned(),
        ]))
    }
}

/// RFC 9700 section 2.1.5: no `client_id` can be taken for a `sub` or for one of ours.
fn check_id(id: &ClientId, file: &ClientFile, faults: &mut Vec<String>) {
    let text = id.as_str();
    if file.profile == Profile::Guest && ClientIdUrl::is_meant(text) {
        if let Err(problem) = ClientIdUrl::parse(text) {
            faults.push(format!("`client_id` {problem}"));
        }
        return;
    }
    if text.is_empty()
        || text.len() > 128
        || !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-~".contains(&b))
    {
        faults.push("`client_id` has 1 to 128 letters, digits, `.`, `_`, `-`, `~`".to_owned());
    }
    if text.starts_with(UserId::PREFIX) {
        faults.push(format!(
            "`client_id` must not start with `{}`: that is a person",
            UserId::PREFIX
        ));
    }
    if text.starts_with(AGENT_PREFIX) != file.agent.is_some() {
        faults.push(format!(
            "`client_id` starts with `{AGENT_PREFIX}` exactly for agents"
        ));
    }
}

fn check_text(name: &str, text: &str, faults: &mut Vec<String>) {
    if text.trim().is_empty()
        || text.chars().count() > MAX_NAME
        || text.chars().any(char::is_control)
    {
        faults.push(format!(
            "`{name}` has 1 to {MAX_NAME} characters and no control characters"
        ));
    }
}

fn check_profile(file: &ClientFile, faults: &mut Vec<String>) {
    if (file.profile == Profile::Agent) != file.agent.is_some() {
        faults.push("profile `agent` and the member `agent` go together".to_owned());
    }
    if file.bearer && !checks::bearer_possible(file.profile) {
        faults.push("`bearer`: this profile always binds tokens to a key".to_owned());
    }
    if file.bearer && file.dpop_bound_access_tokens == Some(true) {
        faults.push("`bearer` and `dpop_bound_access_tokens` contradict each other".to_owned());
    }
    let registered_itself = file.client_id.as_deref().is_some_and(dynamic::is_dynamic);
    if file.profile == Profile::Guest && auth_method(file).has_secret() && !registered_itself {
        faults.push("`token_endpoint_auth_method`: a guest has no secret".to_owned());
    }
    if is_strict(file.profile) {
        if auth_method(file) != AuthMethod::PrivateKeyJwt {
            faults.push(
                "`token_endpoint_auth_method`: this profile needs `private_key_jwt`".to_owned(),
            );
        }
        if file.require_pushed_authorization_requests == Some(false) {
            faults.push(
                "`require_pushed_authorization_requests`: this profile always pushes".to_owned(),
            );
        }
        if file.dpop_bound_access_tokens == Some(false) {
            faults.push(
                "`dpop_bound_access_tokens`: this profile always binds tokens to a key".to_owned(),
            );
        }
    }
    if file
        .response_types
        .as_ref()
        .is_some_and(|types| types.iter().any(|t| t != "code"))
    {
        faults.push("`response_types`: only `code` exists".to_owned());
    }
}

fn check_redirects(file: &ClientFile, faults: &mut Vec<String>) {
    if file.redirect_uris.len() > MAX_REDIRECT_URIS {
        faults.push(format!(
            "`redirect_uris` has more than {MAX_REDIRECT_URIS} members"
        ));
    }
    for uri in &file.redirect_uris {
        // Which schemes guests may use, the operator's lists say (`guest::GuestPolicy`).
        let checked = match file.profile {
            Profile::Guest => redirect::kind(uri).map(drop),
            Profile::Oauth21 | Profile::Fapi2 | Profile::Agent => redirect::check_registrable(uri),
        };
        if let Err(problem) = checked {
            faults.push(format!("`redirect_uris`: {problem}"));
        }
    }
}

fn grant_types(file: &ClientFile, faults: &mut Vec<String>) -> BTreeSet<&'static str> {
    if file.profile == Profile::Guest {
        return guest::grant_types(file);
    }
    let all = || GrantType::ALL.iter().map(|g| g.as_str()).collect();
    let Some(names) = &file.grant_types else {
        // RFC 7591 section 2 has the code grant alone; an agent needs all of them.
        return if file.agent.is_some() {
            all()
        } else {
            [GrantType::AuthorizationCode.as_str()].into()
        };
    };
    let mut found = BTreeSet::new();
    for name in names {
        match GrantType::parse(name) {
            Some(grant) => _ = found.insert(grant.as_str()),
            None => faults.push(format!("`grant_types`: `{name}` is not known")),
        }
    }
    if found.contains(GrantType::AuthorizationCode.as_str()) && file.redirect_uris.is_empty() {
        faults.push("`redirect_uris` is empty, and `authorization_code` needs one".to_owned());
    }
    let machine = [GrantType::ClientCredentials, GrantType::TokenExchange];
    if auth_method(file) == AuthMethod::None && machine.iter().any(|g| found.contains(g.as_str())) {
        faults.push("`grant_types`: a public client has no grant of its own".to_owned());
    }
    if auth_method(file) == AuthMethod::None && found.contains(GrantType::Ciba.as_str()) {
        faults.push("`grant_types`: a public client cannot ask a person by CIBA".to_owned());
    }
    if file.agent.is_none() && found.contains(GrantType::TokenExchange.as_str()) {
        faults.push("`grant_types`: only an agent may exchange tokens".to_owned());
    }
    found
}

/// An agent without `scope` may ask for the names in its ceiling.
fn scope(file: &ClientFile, faults: &mut Vec<String>) -> BTreeSet<String> {
    match (&file.scope, &file.agent) {
        (Some(text), _) => match Scope::parse(text) {
            Ok(scope) => scope.iter().map(str::to_owned).collect(),
            Err(problem) => {
                faults.push(format!("`scope`: {problem}"));
                BTreeSet::new()
            }
        },
        (None, Some(agent)) => agent
            .ceiling
            .scopes
            .iter()
            .map(|s| s.scope.clone())
            .collect(),
        (None, None) => crate::scope::unless_registered(file.profile),
    }
}

fn details_types(file: &ClientFile) -> BTreeSet<String> {
    match (&file.authorization_details_types, &file.agent) {
        (Some(names), _) => names.iter().cloned().collect(),
        (None, Some(agent)) => agent
            .ceiling
            .authorization_details
            .iter()
            .map(|d| d.type_name().to_owned())
            .collect(),
        (None, None) => BTreeSet::new(),
    }
}

fn agent(file: &ClientFile, people: Option<&People>, faults: &mut Vec<String>) -> Option<Agent> {
    let (Some(agent), Some(people)) = (&file.agent, people) else {
        return None;
    };
    check_text("agent.publisher", &agent.publisher, faults);
    check_lifetime("agent.ceiling.lifetime", agent.ceiling.lifetime, faults);
    check_onward(agent, faults);
    backchannel::check_approvers(agent, faults);
    Some(Agent {
        owner: people.owner.id.clone(),
        owner_name: people.owner.name.clone(),
        sponsor: people.sponsor.id.clone(),
        sponsor_name: people.sponsor.name.clone(),
        publisher: agent.publisher.clone(),
        ceiling: Ceiling::from(&agent.ceiling),
        longest_task: Duration::from_secs(agent.ceiling.lifetime),
        onward: Onward::registered(agent.onward.as_ref(), &people.owner.id),
        approvers: agent.approvers.clone(),
    })
}

fn check_onward(agent: &AgentFile, faults: &mut Vec<String>) {
    let Some(onward) = &agent.onward else { return };
    let names = onward.agents.iter().flatten();
    if names.clone().any(|name| !name.starts_with(AGENT_PREFIX)) {
        faults.push(format!(
            "`agent.onward.agents`: names of agents start with `{AGENT_PREFIX}`"
        ));
    }
    if names.count() > 64 {
        faults.push("`agent.onward.agents` has more than 64 members".to_owned());
    }
}

fn task_lifetime(file: &ClientFile, faults: &mut Vec<String>) -> Duration {
    let ceiling = file.agent.as_ref().map(|agent| agent.ceiling.lifetime);
    let seconds = match (file.task_lifetime, ceiling) {
        (Some(asked), Some(most)) if asked > most => {
            faults.push("`task_lifetime` is longer than `agent.ceiling.lifetime`".to_owned());
            most
        }
        (Some(asked), _) => asked,
        (None, Some(most)) => most.min(DEFAULT_TASK_LIFETIME),
        (None, None) => DEFAULT_TASK_LIFETIME,
    };
    check_lifetime("task_lifetime", seconds, faults);
    Duration::from_secs(seconds)
}

fn check_lifetime(name: &str, seconds: u64, faults: &mut Vec<String>) {
    if !(1..=MAX_TASK_LIFETIME).contains(&seconds) {
        faults.push(format!("`{name}` is 1 to {MAX_TASK_LIFETIME} seconds"));
    }
}
