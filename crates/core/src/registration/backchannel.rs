//! What a client registers for CIBA (CIBA 4, FAPI-CIBA 5.2.2), whom it may ask, and who decides about what an agent asks.

use std::collections::BTreeSet;

use url::Url;
use writ_jose::key::Algorithm;
use writ_wire::redirect;
use writ_wire::registration::{self, AgentFile, AuthMethod, ClientFile, Delivery, Profile};
use writ_wire::token::GrantType;

use super::{auth_method, check_user_name};
use crate::client::Backchannel;

/// The most people whom one client may ask though they agreed to nothing.
pub const MAX_MAY_ASK: usize = 64;

pub(super) fn read(
    file: &ClientFile,
    grant_types: &BTreeSet<&'static str>,
    faults: &mut Vec<String>,
) -> Backchannel {
    let delivery = file.backchannel_token_delivery_mode.unwrap_or_default();
    if file.backchannel_token_delivery_mode.is_some()
        && !grant_types.contains(GrantType::Ciba.as_str())
    {
        faults.push(format!(
            "`backchannel_token_delivery_mode` needs the grant type `{}`",
            GrantType::Ciba.as_str()
        ));
    }
    if delivery == Delivery::Push && file.profile != Profile::Oauth21 {
        faults
            .push("`backchannel_token_delivery_mode`: this profile is never pushed to".to_owned());
    }
    check_endpoint(file, delivery, faults);
    Backchannel {
        delivery,
        notification_endpoint: file.backchannel_client_notification_endpoint.clone(),
        signing_alg: signing_alg(file, faults),
        user_code: file.backchannel_user_code_parameter == Some(true),
        number_matching: file.number_matching,
    }
}

fn check_endpoint(file: &ClientFile, delivery: Delivery, faults: &mut Vec<String>) {
    let name = "`backchannel_client_notification_endpoint`";
    match (delivery, &file.backchannel_client_notification_endpoint) {
        (Delivery::Poll, None) => {}
        (Delivery::Poll, Some(_)) => faults.push(format!("{name} belongs to ping and push")),
        (Delivery::Ping | Delivery::Push, None) => {
            faults.push(format!("{name} is missing: ping and push need it"));
        }
        (Delivery::Ping | Delivery::Push, Some(url)) if !is_endpoint(url) => {
            faults.push(format!(
                "{name} is no `https` URL without fragment or user information"
            ));
        }
        (Delivery::Ping | Delivery::Push, Some(_)) => {}
    }
}

/// https, or http to this machine as redirect URIs have it.
pub(super) fn is_endpoint(text: &str) -> bool {
    let web = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    web && redirect::check_registrable(text).is_ok()
}

fn signing_alg(file: &ClientFile, faults: &mut Vec<String>) -> Option<Algorithm> {
    let name = file
        .backchannel_authentication_request_signing_alg
        .as_deref()?;
    let found = Algorithm::parse(name);
    if found.is_none() || auth_method(file) != AuthMethod::PrivateKeyJwt {
        faults.push(
            "`backchannel_authentication_request_signing_alg` is one that this server takes, of a client with \
             `private_key_jwt`"
                .to_owned(),
        );
    }
    found
}

pub(super) fn check_approvers(agent: &AgentFile, faults: &mut Vec<String>) {
    if let Err(problem) = registration::check_approvers(&agent.approvers) {
        faults.push(format!("`agent.approvers`: {problem}"));
    }
}

/// Whom it may ask though they agreed to nothing. Whether those people exist is seen when they are asked.
pub(super) fn may_ask(
    file: &ClientFile,
    grant_types: &BTreeSet<&'static str>,
    faults: &mut Vec<String>,
) -> BTreeSet<String> {
    let (member, names) = match &file.agent {
        Some(agent) => ("agent.may_ask", &agent.may_ask),
        None => ("may_ask", &file.may_ask),
    };
    if file.agent.is_some() && !file.may_ask.is_empty() {
        faults.push("`may_ask` of an agent stands in `agent`".to_owned());
    }
    if !file.may_ask.is_empty() && !grant_types.contains(GrantType::Ciba.as_str()) {
        let grant = GrantType::Ciba.as_str();
        faults.push(format!("`may_ask` needs the grant type `{grant}`"));
    }
    if names.len() > MAX_MAY_ASK {
        faults.push(format!("`{member}` has more than {MAX_MAY_ASK} members"));
    }
    if names.iter().any(|name| check_user_name(name).is_err()) {
        faults.push(format!(
            "`{member}` holds something that is no person's name"
        ));
    }
    names.iter().cloned().collect()
}
