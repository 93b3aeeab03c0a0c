//! `[liveness]`: the external verifier of approvals of level `liveness` (docs/liveness.md). Either all of its keys are set or
//! none; the verifier's signing keys are pinned and never fetched.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;
use writ_jose::key::KeySet;
use writ_passkey::RelyingParty;
use writ_wire::jwk::JwkSet;
use writ_wire::redirect::is_loopback;
use writ_wire::resource::ResourceUri;
use writ_wire::strict_json;

use super::bounded_file;

/// The largest file with the verifier's keys, in bytes.
const MAX_KEYS: u64 = 64 * 1024;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LivenessFile {
    url: Option<String>,
    issuer: Option<String>,
    jwks: Option<String>,
    keys_file: Option<PathBuf>,
}

/// The configured verifier; valid by construction.
#[derive(Clone, Debug)]
pub struct LivenessVerifier {
    /// The page that users are sent to.
    pub url: Url,
    /// `iss` of its results.
    pub issuer: String,
    /// At least one.
    pub keys: KeySet,
}

pub(super) fn check(
    file: LivenessFile,
    ours: Option<&ResourceUri>,
    problems: &mut Vec<String>,
) -> Option<LivenessVerifier> {
    let (url, issuer, keys) = match (file.url, file.issuer, file.jwks, file.keys_file) {
        (None, None, None, None) => return None,
        (Some(url), Some(issuer), Some(text), None) => (url, issuer, keys("jwks", Ok(text))),
        (Some(url), Some(issuer), None, Some(path)) => {
            let text = bounded_file::read_text(&path, MAX_KEYS);
            let text = text.map_err(|why| format!("`{}` {why}", path.display()));
            (url, issuer, keys("keys_file", text))
        }
        _ => {
            problems.push(INCOMPLETE.to_owned());
            return None;
        }
    };
    let before = problems.len();
    problems.extend(ours.and_then(needs_passkeys));
    problems.extend(unusable_issuer(&issuer, ours).map(str::to_owned));
    let page = page(&url).map_err(|problem| problems.push(problem.to_owned()));
    let keys = keys.map_err(|problem| problems.push(problem));
    match (page, keys) {
        (Ok(url), Ok(keys)) if problems.len() == before => {
            Some(LivenessVerifier { url, issuer, keys })
        }
        _ => None,
    }
}

/// A verifier's result counts together with a passkey's signature, never alone.
fn needs_passkeys(ours: &ResourceUri) -> Option<String> {
    let url = Url::parse(ours.as_str()).ok()?;
    let why = RelyingParty::new(&url).err()?;
    Some(format!("`liveness` counts beside a passkey only: {why}"))
}

fn unusable_issuer(issuer: &str, ours: Option<&ResourceUri>) -> Option<&'static str> {
    if issuer.is_empty() {
        return Some("`liveness.issuer` is empty: it is the `iss` of what the verifier says");
    }
    let own = ours.is_some_and(|ours| ours.as_str() == issuer);
    own.then_some("`liveness.issuer` is this server: nobody vouches for themselves")
}

/// The user's browser goes there with a camera, so it must be https or loopback.
fn page(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "`liveness.url` is no URL")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => return Err("`liveness.url` is neither `https` nor loopback `http`"),
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("`liveness.url` has a fragment or user information");
    }
    Ok(url)
}

fn keys(key: &str, text: Result<String, String>) -> Result<KeySet, String> {
    let at = |problem: String| format!("`liveness.{key}`: {problem}");
    let text = text.map_err(at)?;
    let jwks: JwkSet = strict_json::read(&text)
        .map_err(|e| at(format!("this is no JSON key set (RFC 7517 section 5): {e}")))?;
    let keys = KeySet::from_jwks(&jwks).map_err(|e| at(e.to_string()))?;
    match keys.keys() {
        [] => Err(at("there is no key in it".to_owned())),
        _ => Ok(keys),
    }
}

const INCOMPLETE: &str = "`liveness.url`, `liveness.issuer` and one of `liveness.jwks` and `liveness.keys_file` need each other";
