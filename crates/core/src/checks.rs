//! Which check applies at which endpoint: one table, which the server reads whenever a request comes in. `docs/checks.md` prints
//! it; a test keeps them the same, another one drives every row through HTTP.

use writ_wire::access::REQUESTS_PATH;
use writ_wire::api::API_PATH;
use writ_wire::forward_auth::FORWARD_AUTH_PATH;
use writ_wire::registration::Profile;
use writ_wire::token::GrantType;

/// An endpoint for requests of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Par,
    Authorize,
    Token(GrantType),
    /// CIBA 7.
    Backchannel,
    /// RFC 8628 section 3.1.
    DeviceAuthorization,
    /// draft-rosomakho-oauth-txn-challenge-00: presents a challenge, and polls.
    Transaction,
    Introspect,
    /// RFC 7009 section 2.
    Revoke,
    Userinfo,
    /// OpenID AuthZEN Authorization API 1.0 sections 6 and 7, and what became of a permitted action.
    Evaluation,
    Evaluations,
    Outcomes,
    /// AuthZEN Access Request and Approval Profile, draft 1: asks a person, and hears of it.
    AccessRequest,
    /// A reverse proxy asks about one request (docs/forward-auth.md).
    ForwardAuth,
    /// Every operation of the operators' API (docs/api.md).
    Api,
}

/// What an endpoint asks of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRule {
    /// No client authentication takes place here.
    Unauthenticated,
    /// Every client authenticates.
    Authenticated,
    /// Every client authenticates, but a public one comes with its `client_id` alone.
    AuthenticatedOrPublic,
    /// Every client authenticates by HTTP Basic, or comes with an access token of its own.
    AuthenticatedOrToken,
    /// A client comes with an access token of its own for this endpoint.
    OwnToken,
}

/// What an endpoint asks of the DPoP proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofRule {
    /// There is none here; one that is sent is ignored.
    Ignored,
    /// Checked if sent; binds what is made here.
    IfSent,
    /// Checked if sent, and required unless the client may have bearer tokens (at `/userinfo`: unless the token is one).
    UnlessBearer,
    /// Required with an access token that is bound to a key; one beside anything else is ignored.
    OfToken,
    /// Always required.
    Required,
}

/// What one endpoint asks for: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    pub client: ClientRule,
    pub proof: ProofRule,
}

impl ProofRule {
    /// Whether a request without a proof is refused.
    pub const fn requires_proof(self, bearer_allowed: bool) -> bool {
        match self {
            Self::Ignored | Self::IfSent => false,
            Self::UnlessBearer | Self::OfToken => !bearer_allowed,
            Self::Required => true,
        }
    }
}

impl Endpoint {
    /// The path of every grant.
    pub const TOKEN_PATH: &'static str = "/token";

    pub const ALL: [Self; 20] = [
        Self::Par,
        Self::Authorize,
        Self::Token(GrantType::AuthorizationCode),
        Self::Token(GrantType::RefreshToken),
        Self::Token(GrantType::ClientCredentials),
        Self::Token(GrantType::TokenExchange),
        Self::Token(GrantType::Ciba),
        Self::Token(GrantType::DeviceCode),
        Self::Backchannel,
        Self::DeviceAuthorization,
        Self::Transaction,
        Self::Introspect,
        Self::Revoke,
        Self::Userinfo,
        Self::Evaluation,
        Self::Evaluations,
        Self::Outcomes,
        Self::AccessRequest,
        Self::ForwardAuth,
        Self::Api,
    ];

    pub const fn checks(self) -> Checks {
        let (client, proof) = match self {
            Self::Par | Self::DeviceAuthorization => {
                (ClientRule::AuthenticatedOrPublic, ProofRule::IfSent)
            }
            Self::Authorize => (ClientRule::Unauthenticated, ProofRule::Ignored),
            Self::Token(
                GrantType::AuthorizationCode | GrantType::RefreshToken | GrantType::DeviceCode,
            ) => (ClientRule::AuthenticatedOrPublic, ProofRule::UnlessBearer),
            Self::Token(GrantType::ClientCredentials | GrantType::Ciba) => {
                (ClientRule::Authenticated, ProofRule::UnlessBearer)
            }
            Self::Token(GrantType::TokenExchange) | Self::Transaction => {
                (ClientRule::Authenticated, ProofRule::Required)
            }
            Self::Backchannel => (ClientRule::Authenticated, ProofRule::IfSent),
            Self::Introspect => (ClientRule::Authenticated, ProofRule::Ignored),
            Self::Revoke => (ClientRule::AuthenticatedOrPublic, ProofRule::Ignored),
            Self::Userinfo => (ClientRule::Unauthenticated, ProofRule::UnlessBearer),
            Self::Evaluation
            | Self::Evaluations
            | Self::Outcomes
            | Self::AccessRequest
            | Self::ForwardAuth => (ClientRule::AuthenticatedOrToken, ProofRule::OfToken),
            Self::Api => (ClientRule::OwnToken, ProofRule::Required),
        };
        Checks { client, proof }
    }

    pub const fn path(self) -> &'static str {
        match self {
            Self::Par => "/par",
            Self::Authorize => "/authorize",
            Self::Token(_) => Self::TOKEN_PATH,
            Self::Backchannel => "/bc-authorize",
            Self::DeviceAuthorization => "/device_authorization",
            Self::Transaction => "/transaction_authorization",
            Self::Introspect => "/introspect",
            Self::Revoke => "/revoke",
            Self::Userinfo => "/userinfo",
            Self::Evaluation => "/access/v1/evaluation",
            Self::Evaluations => "/access/v1/evaluations",
            Self::Outcomes => "/access/v1/outcomes",
            Self::AccessRequest => REQUESTS_PATH,
            Self::ForwardAuth => FORWARD_AUTH_PATH,
            Self::Api => API_PATH,
        }
    }

    /// The name under which its refusals are counted: the path, at `/token` with the grant.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Token(GrantType::AuthorizationCode) => "/token authorization_code",
            Self::Token(GrantType::RefreshToken) => "/token refresh_token",
            Self::Token(GrantType::ClientCredentials) => "/token client_credentials",
            Self::Token(GrantType::TokenExchange) => "/token token-exchange",
            Self::Token(GrantType::Ciba) => "/token ciba",
            Self::Token(GrantType::DeviceCode) => "/token device_code",
            endpoint => endpoint.path(),
        }
    }
}

/// Whether a client of this profile may have tokens that are bound to no key at all.
pub const fn bearer_possible(profile: Profile) -> bool {
    match profile {
        Profile::Oauth21 | Profile::Guest => true,
        Profile::Fapi2 | Profile::Agent => false,
    }
}

/// The table as Markdown.
pub fn table() -> String {
    let mut text = String::from(
        "| endpoint | client authentication | public clients | DPoP proof |\n|---|---|---|---|\n",
    );
    for endpoint in Endpoint::ALL {
        let checks = endpoint.checks();
        let (path, label) = (endpoint.path(), endpoint.label());
        let grant = label.strip_prefix(path).unwrap_or_default();
        let (authentication, public) = match checks.client {
            ClientRule::Unauthenticated => ("no", "yes"),
            ClientRule::Authenticated => ("yes", "no"),
            ClientRule::AuthenticatedOrPublic => ("yes", "yes"),
            ClientRule::AuthenticatedOrToken => ("HTTP Basic, or its own access token", "no"),
            ClientRule::OwnToken => ("its own access token", "no"),
        };
        let proof = match checks.proof {
            ProofRule::Ignored => "ignored",
            ProofRule::IfSent => "checked if sent",
            ProofRule::UnlessBearer => "required unless bearer",
            ProofRule::OfToken => "required with a bound token",
            ProofRule::Required => "required",
        };
        text.push_str(&format!(
            "| `{path}`{grant} | {authentication} | {public} | {proof} |\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_counted_under_a_name_of_its_own() {
        let labels: std::collections::BTreeSet<&str> = Endpoint::ALL
            .iter()
            .map(|endpoint| endpoint.label())
            .collect();
        assert_eq!(labels.len(), Endpoint::ALL.len());
    }
}
