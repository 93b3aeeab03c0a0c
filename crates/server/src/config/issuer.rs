//! The issuer: the URL under which clients and people reach this server (RFC 8414 section 2).

use url::Url;
use writ_wire::redirect::is_loopback;
use writ_wire::resource::ResourceUri;

use super::Config;

impl Config {
    /// The host of the issuer.
    pub fn host(&self) -> &str {
        host_of(&self.issuer)
    }
}

/// Without scheme, port and path.
pub fn host_of(issuer: &ResourceUri) -> &str {
    let text = issuer.as_str();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority
        .split_once(':')
        .map_or(authority, |(host, _)| host)
}

/// https, or http on loopback; no query, no fragment, no user, no trailing slash (RFC 8414 section 2).
pub(super) fn check(text: Option<&str>, problems: &mut Vec<String>) -> Option<ResourceUri> {
    let Some(text) = text else {
        problems.push(
            "`server.issuer` is missing: the URL under which clients reach this server".to_owned(),
        );
        return None;
    };
    let problem = match Url::parse(text) {
        Err(_) => Some("is no URL"),
        // First: what stands before the colon of `localhost:8080` is a scheme to the parser, and the port a path.
        Ok(url) if !["http", "https"].contains(&url.scheme()) => {
            Some("begins with neither `https://` nor, on loopback, `http://`")
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Some("has a query or a fragment")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("has user information")
        }
        Ok(_) if text.ends_with('/') => Some("ends with `/`"),
        Ok(url) if url.path() != "/" => {
            Some("has a path: other tenants than the default are not served yet")
        }
        Ok(url) if url.scheme() == "http" && !is_loopback(&url) => {
            Some("is `http` outside loopback: tokens would travel unprotected")
        }
        Ok(_) => None,
    };
    let parsed = ResourceUri::parse(text).ok();
    if let Some(problem) = problem.or_else(|| parsed.is_none().then_some("is no URL")) {
        problems.push(format!("`server.issuer` {problem}"));
        return None;
    }
    parsed
}
