//! Discovery (RFC 8414 section 3): where the metadata is, and whether it is the issuer's.

use bytes::Bytes;
use http::Response;
use url::Url;
use writ_wire::metadata::ServerMetadata;
use writ_wire::redirect::is_loopback;
use writ_wire::strict_json;

use crate::error::{Error, protocol};

/// The well-known part goes between host and path (RFC 8414 section 3.1).
pub(crate) fn well_known(issuer: &str) -> Result<String, Error> {
    let url = secure(issuer)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::Usage(
            "an issuer has no query and no fragment".to_owned(),
        ));
    }
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    Ok(format!(
        "{origin}/.well-known/oauth-authorization-server{path}"
    ))
}

/// Reads the answer; `issuer` must be the one that was asked for (RFC 8414 section 3.3).
pub(crate) fn read(issuer: &str, response: &Response<Bytes>) -> Result<ServerMetadata, Error> {
    if response.status() != http::StatusCode::OK {
        let status = response.status().as_u16();
        return Err(protocol(format!(
            "status {status} instead of metadata (RFC 8414 3.2)"
        )));
    }
    let metadata: ServerMetadata = strict_json::read(response.body())
        .map_err(|error| protocol(format!("the metadata cannot be read: {error}")))?;
    if metadata.issuer != issuer {
        return Err(protocol(format!(
            "the metadata of `{issuer}` names another issuer, `{}` (RFC 8414 3.3)",
            metadata.issuer.chars().take(120).collect::<String>()
        )));
    }
    for endpoint in [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.pushed_authorization_request_endpoint,
        &metadata.introspection_endpoint,
    ] {
        secure(endpoint).map_err(|error| protocol(format!("in the metadata, {error}")))?;
    }
    if let Some(endpoint) = &metadata.transaction_authorization_endpoint {
        secure(endpoint).map_err(|error| protocol(format!("in the metadata, {error}")))?;
    }
    Ok(metadata)
}

/// A URL to which secrets may go: `https`, or `http` on loopback; without user information.
pub(crate) fn secure(text: &str) -> Result<Url, Error> {
    let shown = || text.chars().take(120).collect::<String>();
    let url = Url::parse(text).map_err(|_| Error::Usage(format!("`{}` is no URL", shown())))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Usage(
            "a URL here has no user information".to_owned(),
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(Error::Usage(format!(
            "`{}` is neither `https` nor loopback",
            shown()
        ))),
    }
}
