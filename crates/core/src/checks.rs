//! Which check applies at which endpoint: the one table. `docs/checks.md` prints it; a test keeps them the same.

use writ_wire::registration::Profile;
use writ_wire::token::GrantType;

/// A place that takes a client's request.
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
    Userinfo,
}

/// What an endpoint asks of the DPoP proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofRule {
    /// There is none here; one that is sent is ignored.
    Ignored,
    /// Checked if sent; binds what is made here.
    IfSent,
    /// Required unless this client may have bearer tokens, and checked if sent.
    UnlessBearer,
    /// Always required.
    Required,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    pub client_authentication: bool,
    /// A public client may come with its `client_id` alone.
    pub public_clients: bool,
    pub proof: ProofRule,
    /// What is consumed here, once.
    pub consumes: &'static str,
    /// What must be live, read uncached.
    pub live: &'static str,
}

impl Endpoint {
    pub const ALL: [Self; 13] = [
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
        Self::Userinfo,
    ];

    pub const fn checks(self) -> Checks {
        match self {
            Self::Par => row(
                true,
                ProofRule::IfSent,
                "assertion and proof `jti`",
                "client",
            ),
            Self::Authorize => Checks {
                client_authentication: false,
                public_clients: true,
                proof: ProofRule::Ignored,
                consumes: "`request_uri`, at the decision",
                live: "client, session, person",
            },
            Self::Token(grant) => token(grant),
            Self::Backchannel => Checks {
                public_clients: false,
                ..row(
                    true,
                    ProofRule::IfSent,
                    "assertion, proof and signed request `jti`",
                    "person, client, lineage that asks",
                )
            },
            Self::DeviceAuthorization => row(
                true,
                ProofRule::IfSent,
                "assertion and proof `jti`",
                "client",
            ),
            Self::Transaction => Checks {
                public_clients: false,
                ..row(
                    true,
                    ProofRule::Required,
                    "assertion, proof and challenge `jti`; `transaction_authorization_id` when approved",
                    "person, client, lineage that asks",
                )
            },
            Self::Introspect => Checks {
                public_clients: false,
                ..row(true, ProofRule::Ignored, "assertion `jti`", "lineage")
            },
            Self::Userinfo => Checks {
                client_authentication: false,
                public_clients: true,
                proof: ProofRule::UnlessBearer,
                consumes: "proof `jti`",
                live: "lineage",
            },
        }
    }

    pub fn name(self) -> String {
        match self {
            Self::Par => "`/par`".to_owned(),
            Self::Authorize => "`/authorize`".to_owned(),
            Self::Token(grant) => format!("`/token` {}", short(grant)),
            Self::Backchannel => "`/bc-authorize`".to_owned(),
            Self::DeviceAuthorization => "`/device_authorization`".to_owned(),
            Self::Transaction => "`/transaction_authorization`".to_owned(),
            Self::Introspect => "`/introspect`".to_owned(),
            Self::Userinfo => "`/userinfo`".to_owned(),
        }
    }
}

/// Whether a client of this profile may have tokens that are bound to no key at all.
pub const fn bearer_possible(profile: Profile) -> bool {
    match profile {
        Profile::Oauth21 => true,
        Profile::Fapi2 | Profile::Agent => false,
    }
}

/// The table as Markdown.
pub fn table() -> String {
    let mut text = String::from(
        "| endpoint | client authentication | public clients | DPoP proof | consumes | must be live |\n|---|---|---|---|---|---|\n",
    );
    for endpoint in Endpoint::ALL {
        let checks = endpoint.checks();
        let yes = |b: bool| if b { "yes" } else { "no" };
        let proof = match checks.proof {
            ProofRule::Ignored => "ignored",
            ProofRule::IfSent => "checked if sent",
            ProofRule::UnlessBearer => "required unless the client may have bearer",
            ProofRule::Required => "required",
        };
        text.push_str(&format!(
            "| {} | {} | {} | {proof} | {} | {} |\n",
            endpoint.name(),
            yes(checks.client_authentication),
            yes(checks.public_clients),
            checks.consumes,
            checks.live,
        ));
    }
    text
}

/// The rows of the token endpoint.
const fn token(grant: GrantType) -> Checks {
    match grant {
        GrantType::AuthorizationCode => row(
            true,
            ProofRule::UnlessBearer,
            "code, assertion and proof `jti`",
            "lineage",
        ),
        GrantType::RefreshToken => row(
            true,
            ProofRule::UnlessBearer,
            "assertion and proof `jti`; a public client's refresh token",
            "lineage",
        ),
        GrantType::ClientCredentials => Checks {
            public_clients: false,
            ..row(
                true,
                ProofRule::UnlessBearer,
                "assertion and proof `jti`",
                "client",
            )
        },
        GrantType::TokenExchange => Checks {
            public_clients: false,
            ..row(
                true,
                ProofRule::Required,
                "assertion, proof and actor assertion `jti`",
                "lineage, actor",
            )
        },
        GrantType::Ciba => Checks {
            public_clients: false,
            ..row(
                true,
                ProofRule::UnlessBearer,
                "assertion and proof `jti`; `auth_req_id` when approved",
                "person, client, lineage that asked",
            )
        },
        GrantType::DeviceCode => row(
            true,
            ProofRule::UnlessBearer,
            "assertion and proof `jti`; `device_code` when approved",
            "person, client",
        ),
    }
}

const fn row(
    authenticated: bool,
    proof: ProofRule,
    consumes: &'static str,
    live: &'static str,
) -> Checks {
    Checks {
        client_authentication: authenticated,
        public_clients: true,
        proof,
        consumes,
        live,
    }
}

const fn short(grant: GrantType) -> &'static str {
    match grant {
        GrantType::AuthorizationCode => "authorization_code",
        GrantType::RefreshToken => "refresh_token",
        GrantType::ClientCredentials => "client_credentials",
        GrantType::TokenExchange => "token-exchange",
        GrantType::Ciba => "ciba",
        GrantType::DeviceCode => "device_code",
    }
}
