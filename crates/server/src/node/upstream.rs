//! This server as the relying party of OpenID providers (OpenID Connect Core section 3.1), by the crate `openidconnect`: it makes the
//! request, redeems the code and verifies the ID token. Documents and calls go through the guarded door, like everything that is called.

use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    HttpRequest, HttpResponse, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
};
use url::Url;
use writ_core::upstream::UpstreamClaims;
use writ_platform::guard::{GuardError, MAX_RESPONSE_BYTES};
use writ_store::StoreError;
use writ_wire::strict_json;
use zeroize::Zeroizing;

use self::types::{Metadata, RelyingClient};
use crate::config::{UpstreamPrompt, UpstreamProvider};
use crate::node::app::App;
use crate::node::client_keys::MAX_STALE_KEYS;
use crate::node::failure::ServerFault;
use crate::node::outgoing::call_limits::CallReason;
use crate::node::outgoing::fetch::{
    AcceptedAge, DocumentPurpose, Fallback, FetchError, WantedDocument,
};

mod client_key;
mod end_session;
mod id_token;
mod refresh;
mod types;
mod userinfo;

pub use refresh::NotReadAgain;

const DISCOVERY: &str = "/.well-known/openid-configuration";
/// What a token endpoint answers with tokens or with what is wrong with a code; some say 403 for that.
const SPOKEN: [StatusCode; 3] = [
    StatusCode::OK,
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
];
/// Of the authorization endpoint (RFC 6749 section 4.1.2.1), and said at the token endpoint too.
const AWAY: [&str; 2] = ["server_error", "temporarily_unavailable"];

/// Why nobody is signed in by this provider now.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("the provider cannot be reached: {0}")]
    Unavailable(String),
    /// What the provider or the browser brought is not right.
    #[error("{0}")]
    Refused(String),
    #[error("the database: {0}")]
    Ours(ServerFault),
}

impl From<FetchError> for UpstreamError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Ours(fault) => Self::Ours(fault),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<StoreError> for UpstreamError {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.into())
    }
}

fn refused(why: impl std::fmt::Display) -> UpstreamError {
    UpstreamError::Refused(why.to_string())
}

/// What a sign-in at a provider is told by again; each is good once.
#[derive(Clone, Debug)]
pub struct UpstreamRequest<'a> {
    pub state: String,
    pub nonce: &'a str,
    /// RFC 7636: in the sealed state until the code is redeemed.
    pub code_verifier: &'a str,
}

/// The answer of a provider, on its way.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamAnswer<'a> {
    pub code: &'a str,
    pub nonce: &'a str,
    pub code_verifier: &'a str,
}

/// What a redeemed code brought. No `Debug`, because of the tokens.
pub struct RedeemedUpstreamCode {
    pub claims: UpstreamClaims,
    /// As it was signed.
    pub id_token: Zeroizing<String>,
    pub refresh_token: Option<Zeroizing<String>>,
}

/// A provider with what it says of itself now.
pub struct ReachedProvider<'a> {
    app: &'a App,
    provider: &'a UpstreamProvider,
    metadata: Metadata,
}

impl<'a> ReachedProvider<'a> {
    /// Never while a database transaction is open: it may fetch.
    pub async fn open(app: &'a App, provider: &'a UpstreamProvider) -> Result<Self, UpstreamError> {
        let url = format!("{}{DISCOVERY}", provider.issuer.trim_end_matches('/'));
        let wanted = WantedDocument {
            url: &url,
            purpose: DocumentPurpose::UpstreamMetadata,
            reason: CallReason::Registered,
            age: AcceptedAge::Fresh,
            fallback: Fallback::StaleFor(MAX_STALE_KEYS),
            check: |url, body| metadata(url, body).map(drop),
        };
        let document = app.documents.fetch(&wanted).await?;
        let metadata = metadata(&url, &document.body).map_err(UpstreamError::Unavailable)?;
        if metadata.issuer().as_str() != provider.issuer {
            return Err(UpstreamError::Unavailable(
                "`issuer` of its metadata differs from that of the configuration".to_owned(),
            ));
        }
        Ok(Self {
            app,
            provider,
            metadata,
        })
    }

    /// RFC 9207 section 2.4: an answer of another provider is none of this one, also where it is an error.
    pub fn check_issuer(&self, iss: Option<&str>) -> Result<(), UpstreamError> {
        let more = self.metadata.additional_metadata();
        match iss {
            Some(iss) if iss == self.provider.issuer => Ok(()),
            Some(_) => Err(refused("`iss` is another issuer")),
            None if more.authorization_response_iss_parameter_supported => {
                Err(refused("`iss` is missing"))
            }
            None => Ok(()),
        }
    }

    /// Where the browser goes. The provider is asked for a login that is made now (`max_age=0`).
    pub fn authorization_url(&self, request: UpstreamRequest<'_>) -> Result<Url, UpstreamError> {
        let state = CsrfToken::new(request.state);
        let nonce = Nonce::new(request.nonce.to_owned());
        let verifier = PkceCodeVerifier::new(request.code_verifier.to_owned());
        let client = self.client()?;
        let mut asking = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || state,
                move || nonce,
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .set_max_age(Duration::ZERO);
        for prompt in &self.provider.prompt {
            asking = asking.add_prompt(match prompt {
                UpstreamPrompt::Login => CoreAuthPrompt::Login,
                UpstreamPrompt::SelectAccount => CoreAuthPrompt::SelectAccount,
                UpstreamPrompt::Consent => CoreAuthPrompt::Consent,
            });
        }
        // The library adds `openid` itself.
        for scope in self.provider.scopes.iter().filter(|name| *name != "openid") {
            asking = asking.add_scope(Scope::new(scope.clone()));
        }
        let (url, _, _) = asking.url();
        let admitted = self.app.notices.guard.policy().admits(url.as_str());
        admitted.map_err(|error| UpstreamError::Unavailable(error.to_string()))?;
        Ok(url)
    }

    /// Redeems the code and verifies what the provider says of the person. The caller has claimed the answer.
    pub async fn redeem(
        &self,
        answer: UpstreamAnswer<'_>,
    ) -> Result<RedeemedUpstreamCode, UpstreamError> {
        let client = self.client()?;
        let http = GuardedDoor(self.app);
        let exchange = client.exchange_code(AuthorizationCode::new(answer.code.to_owned()));
        let mut exchange = exchange
            .map_err(|_| UpstreamError::Unavailable("it has no token endpoint".to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(answer.code_verifier.to_owned()));
        for (name, value) in self.client_assertion()? {
            exchange = exchange.add_extra_param(name, value);
        }
        let tokens = exchange
            .request_async(&http)
            .await
            .map_err(|error| self.not_redeemed(error))?;
        let nonce = Nonce::new(answer.nonce.to_owned());
        let claims = self.verified(&tokens, &nonce).await?;
        let id_token = tokens.id_token().map(ToString::to_string);
        let refresh_token = tokens.refresh_token().map(|token| token.secret().clone());
        Ok(RedeemedUpstreamCode {
            claims,
            id_token: Zeroizing::new(id_token.unwrap_or_default()),
            refresh_token: refresh_token.map(Zeroizing::new),
        })
    }

    /// A code that was used before, or a provider that is away; the body may hold secrets, and is in no log.
    fn not_redeemed(&self, error: NotRedeemed) -> UpstreamError {
        match error {
            RequestTokenError::ServerResponse(answer) => match answer.error() {
                CoreErrorResponseType::InvalidClient
                | CoreErrorResponseType::UnauthorizedClient => self.not_its_client(),
                CoreErrorResponseType::Extension(code) if AWAY.contains(&code.as_str()) => {
                    UpstreamError::Unavailable(format!("its token endpoint says `{code}`"))
                }
                error => refused(format!("the code was not redeemed: {}", error.as_ref())),
            },
            RequestTokenError::Request(CallError::Status(StatusCode::UNAUTHORIZED)) => {
                self.not_its_client()
            }
            RequestTokenError::Request(error) => UpstreamError::Unavailable(error.to_string()),
            RequestTokenError::Parse(..) => {
                refused("the answer of its token endpoint cannot be read")
            }
            RequestTokenError::Other(_) => refused("its token endpoint gave no token"),
        }
    }

    /// RFC 6749 section 5.2: no login here goes on until the operator mends it.
    fn not_its_client(&self) -> UpstreamError {
        let provider = self.provider.name.as_str();
        tracing::warn!(
            provider,
            "the provider does not take this server's client_id and client_secret"
        );
        UpstreamError::Unavailable("this server is not its client".to_owned())
    }

    fn client(&self) -> Result<RelyingClient, UpstreamError> {
        let provider = self.provider;
        let secret = provider.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.to_string()));
        let redirect = self.app.config.url(&provider.callback_path());
        let redirect = RedirectUrl::new(redirect).map_err(refused)?;
        let id = ClientId::new(provider.client_id.clone());
        let client = Client::from_provider_metadata(self.metadata.clone(), id, secret);
        Ok(client
            .set_redirect_uri(redirect)
            .set_auth_type(self.auth_type()))
    }

    /// `client_secret_basic` is the default (OpenID Connect Discovery section 3).
    fn auth_type(&self) -> AuthType {
        let methods = self.metadata.token_endpoint_auth_methods_supported();
        let basic =
            methods.is_none_or(|all| all.contains(&CoreClientAuthMethod::ClientSecretBasic));
        // With a key the form says who this is, and the assertion proves it.
        match basic && self.provider.client_key.is_none() {
            true => AuthType::BasicAuth,
            false => AuthType::RequestBody,
        }
    }
}

/// What stands at the discovery URL of this very issuer (OpenID Connect Discovery section 4.3).
fn metadata(url: &str, body: &[u8]) -> Result<Metadata, String> {
    let read: Metadata =
        strict_json::read(body).map_err(|error| format!("its metadata cannot be read: {error}"))?;
    let of = format!(
        "{}{DISCOVERY}",
        read.issuer().as_str().trim_end_matches('/')
    );
    match of == url {
        true => Ok(read),
        false => Err("its metadata is of another issuer".to_owned()),
    }
}

/// The transport of the library: the guarded door.
struct GuardedDoor<'a>(&'a App);

impl<'c> AsyncHttpClient<'c> for GuardedDoor<'_> {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(guarded(self.0, request))
    }
}

/// Why the library has nothing to read.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// None by which it speaks of a code (RFC 6749 sections 5.1 and 5.2).
    #[error("it answered {0}")]
    Status(StatusCode),
}

type NotRedeemed = RequestTokenError<CallError, StandardErrorResponse<CoreErrorResponseType>>;

async fn guarded(app: &App, request: HttpRequest) -> Result<HttpResponse, CallError> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string();
    let headers: HeaderMap = parts.headers;
    let answered = match parts.method {
        Method::GET => {
            let guard = &app.notices.guard;
            guard.get(&url, headers, MAX_RESPONSE_BYTES).await?
        }
        _ => app.notices.guard.post(&url, headers, body.into()).await?,
    };
    if !SPOKEN.contains(&answered.status) {
        return Err(CallError::Status(answered.status));
    }
    let mut response = HttpResponse::new(answered.body.to_vec());
    *response.status_mut() = answered.status;
    *response.headers_mut() = answered.headers;
    Ok(response)
}
