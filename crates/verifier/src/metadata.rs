//! The resource's own metadata document (RFC 9728 sections 2 and 3.1).

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use url::Url;
use writ_wire::dpop::SIGNING_ALGORITHMS;
use writ_wire::resource::ResourceUri;

use crate::config::BearerPolicy;
use crate::cross_origin::CrossOrigin;

/// Served as JSON at [`metadata_url`]. Empty lists are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceMetadata {
    pub resource: ResourceUri,
    pub authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    pub bearer_methods_supported: Vec<String>,
    pub dpop_signing_alg_values_supported: Vec<String>,
    pub dpop_bound_access_tokens_required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    /// draft-rosomakho-oauth-txn-challenge-00: for a resource that challenges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn_challenge_jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub txn_challenge_signing_alg_values_supported: Vec<String>,
}

impl ResourceMetadata {
    pub(crate) fn new(resource: ResourceUri, issuer: &str, bearer: BearerPolicy) -> Self {
        Self {
            resource,
            authorization_servers: vec![issuer.to_owned()],
            scopes_supported: Vec::new(),
            bearer_methods_supported: vec!["header".to_owned()],
            dpop_signing_alg_values_supported: SIGNING_ALGORITHMS.map(str::to_owned).to_vec(),
            dpop_bound_access_tokens_required: bearer == BearerPolicy::Refuse,
            authorization_details_types_supported: Vec::new(),
            txn_challenge_jwks_uri: None,
            txn_challenge_signing_alg_values_supported: Vec::new(),
        }
    }
}

impl ResourceMetadata {
    /// The answer at [`metadata_url`], which stands outside of the verifier's layer: anybody may read it, from every origin.
    pub fn answer(&self, method: &Method) -> Response<Bytes> {
        let cross_origin = CrossOrigin::Open;
        let (status, body) = match *method {
            Method::OPTIONS => return cross_origin.preflight_answer(),
            Method::GET | Method::HEAD => match serde_json::to_vec(self) {
                Ok(document) => (StatusCode::OK, document.into()),
                Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
            },
            _ => (StatusCode::METHOD_NOT_ALLOWED, Bytes::new()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = HeaderValue::from_static("GET, HEAD, OPTIONS");
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        cross_origin.allow(response.headers_mut());
        response
    }
}

/// `/.well-known/oauth-protected-resource` between host and path. `None` if the resource is no http(s) URL.
pub fn metadata_url(resource: &ResourceUri) -> Option<String> {
    let url = Url::parse(resource.as_str()).ok()?;
    if !matches!(url.scheme(), "https" | "http") {
        return None;
    }
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    let origin = url.origin().ascii_serialization();
    Some(format!("{origin}{WELL_KNOWN}{path}{query}"))
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
