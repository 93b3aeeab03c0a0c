//! `[upstream.NAME]`: OpenID providers by which people sign in (docs/upstream.md), by a name that stands in the paths of their redirects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use url::Url;
use writ_core::upstream::groups::GroupRoles;
use writ_core::upstream::{AdmissionRule, FreshProof, LevelRule};
use writ_jose::key::SigningKey;
use writ_wire::redirect::is_loopback;
use writ_wire::resource::ResourceUri;
use zeroize::Zeroizing;

use self::prompt::UpstreamPrompt;
use super::{Config, secret_file};

pub mod prompt;
mod roles;

/// Buttons on the login page.
pub const MAX_UPSTREAMS: usize = 8;
/// Also the end of the names of people who come from there.
const LONGEST_NAME: usize = 20;
/// On the button.
const LONGEST_LABEL: usize = 40;
const DEFAULT_SCOPES: [&str; 3] = ["openid", "profile", "email"];
const DEFAULT_GROUPS_CLAIM: &str = "groups";

#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UpstreamFile {
    issuer: Option<String>,
    label: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_key_file: Option<PathBuf>,
    scopes: Option<Vec<String>>,
    anyone: bool,
    domains: BTreeSet<String>,
    groups: BTreeSet<String>,
    groups_claim: Option<String>,
    passkey_acr: BTreeSet<String>,
    passkey_amr: BTreeSet<String>,
    first_passkey: bool,
    prompt: Vec<String>,
    fresh: Option<String>,
    roles: BTreeMap<String, Vec<String>>,
}

/// A provider; valid by construction. No `Debug`, because of the secret.
#[derive(Clone)]
pub struct UpstreamProvider {
    pub name: String,
    /// On the button.
    pub label: String,
    /// Its `issuer`, to the letter.
    pub issuer: String,
    pub client_id: String,
    /// A public client has none: PKCE is always used.
    pub client_secret: Option<Zeroizing<String>>,
    /// By which this server proves who it is instead (`private_key_jwt`).
    pub client_key: Option<Arc<SigningKey>>,
    pub scopes: Vec<String>,
    pub admission: AdmissionRule,
    pub groups_claim: String,
    pub levels: LevelRule,
    /// Whether a fresh login that counts as `passkey` enrols a first passkey, without a code.
    pub first_passkey: bool,
    pub prompt: Vec<UpstreamPrompt>,
    pub fresh: FreshProof,
    /// What its groups give here.
    pub roles: GroupRoles,
}

impl UpstreamProvider {
    /// Where the provider sends people back: one address for each provider (RFC 9700 section 4.4.2).
    pub fn callback_path(&self) -> String {
        format!("/upstream/{}/callback", self.name)
    }

    /// What works, and is hardly meant.
    pub(super) fn warnings(&self) -> Vec<String> {
        let name = &self.name;
        let plain = self.issuer.starts_with("http:").then(|| {
            format!(
                "`upstream.{name}.issuer` is `http`: whoever runs a program on this machine may answer for the provider. It is for trials"
            )
        });
        let closed = (self.admission == AdmissionRule::Known).then(|| {
            format!(
                "`upstream.{name}` has none of `anyone`, `domains` and `groups`: nobody new comes by it, only people who linked it in their settings"
            )
        });
        plain.into_iter().chain(closed).collect()
    }

    /// Where it sends them after they signed out there.
    pub fn signed_out_path(&self) -> String {
        format!("/upstream/{}/signed-out", self.name)
    }

    /// Where it finds the public key of this server.
    pub fn jwks_path(&self) -> String {
        format!("/upstream/{}/jwks", self.name)
    }

    /// Whether anything here depends on groups.
    pub fn reads_groups(&self) -> bool {
        let admits =
            matches!(&self.admission, AdmissionRule::Listed { groups, .. } if !groups.is_empty());
        admits || !self.roles.is_empty()
    }

    /// Whether anything here depends on mail addresses.
    pub fn reads_addresses(&self) -> bool {
        matches!(&self.admission, AdmissionRule::Listed { domains, .. } if !domains.is_empty())
    }
}

impl Config {
    /// What people know the provider of this issuer as; one that is no longer there by its issuer.
    pub fn upstream_label(&self, issuer: &str) -> String {
        let known = self.upstreams.iter().find(|one| one.issuer == issuer);
        known.map_or_else(|| issuer.to_owned(), |one| one.label.clone())
    }
}

pub(super) fn check(
    files: BTreeMap<String, UpstreamFile>,
    ours: Option<&ResourceUri>,
    problems: &mut Vec<String>,
) -> Vec<UpstreamProvider> {
    let mut providers: Vec<UpstreamProvider> = Vec::new();
    for (name, file) in files {
        // A section of which every key is a comment.
        if file == UpstreamFile::default() {
            continue;
        }
        let mut wrong = Vec::new();
        let provider = file.provider(&name, ours, &mut wrong);
        problems.extend(
            wrong
                .iter()
                .map(|said| format!("`upstream.{name}`: {said}")),
        );
        let Some(provider) = provider.filter(|_| wrong.is_empty()) else {
            continue;
        };
        if let Some(other) = providers.iter().find(|one| one.issuer == provider.issuer) {
            problems.push(format!(
                "`upstream.{name}.issuer` is that of `upstream.{}` too: a person there would be the same one by both",
                other.name
            ));
        }
        providers.push(provider);
    }
    if providers.len() > MAX_UPSTREAMS {
        problems.push(format!(
            "`upstream` has more than {MAX_UPSTREAMS} providers"
        ));
    }
    providers
}

impl UpstreamFile {
    fn provider(
        self,
        name: &str,
        ours: Option<&ResourceUri>,
        wrong: &mut Vec<String>,
    ) -> Option<UpstreamProvider> {
        wrong.extend(unusable_name(name).map(str::to_owned));
        let client_secret = self.secret().map_err(|said| wrong.push(said));
        let client_key = self.key().map_err(|said| wrong.push(said));
        let label = self.label.clone().unwrap_or_else(|| name.to_owned());
        if label.is_empty() || label.chars().count() > LONGEST_LABEL {
            wrong.push(format!("`label` has 1 to {LONGEST_LABEL} characters"));
        }
        let scopes = scopes(self.scopes.as_deref(), wrong);
        let admission = self.admission(wrong);
        if self.first_passkey && self.passkey_acr.is_empty() && self.passkey_amr.is_empty() {
            wrong.push(
                "`first_passkey` needs `passkey_acr` or `passkey_amr`: no login counts without them"
                    .to_owned(),
            );
        }
        let prompt = prompt::read(&self.prompt, wrong);
        let fresh = prompt::fresh(self.fresh.as_deref(), &prompt, wrong);
        let counts_as_passkey = !self.passkey_acr.is_empty() || !self.passkey_amr.is_empty();
        if fresh == FreshProof::Asked && (counts_as_passkey || self.first_passkey) {
            wrong.push(
                "`fresh = \"asked\"` is beside `passkey_acr`, `passkey_amr` or `first_passkey`: without `auth_time` a login is worth a password at most".to_owned(),
            );
        }
        let roles = roles::read(self.roles, wrong);
        let (Some(issuer), Some(client_id)) = (self.issuer, self.client_id) else {
            wrong.push("`issuer` and `client_id` are both needed".to_owned());
            return None;
        };
        wrong.extend(unusable_issuer(&issuer, ours).map(str::to_owned));
        Some(UpstreamProvider {
            name: name.to_owned(),
            label,
            issuer,
            client_id,
            client_secret: client_secret.ok()?,
            client_key: client_key.ok()?,
            scopes,
            admission,
            groups_claim: self
                .groups_claim
                .unwrap_or_else(|| DEFAULT_GROUPS_CLAIM.to_owned()),
            levels: LevelRule {
                passkey_acr: self.passkey_acr,
                passkey_amr: self.passkey_amr,
            },
            first_passkey: self.first_passkey,
            prompt,
            fresh,
            roles,
        })
    }

    fn key(&self) -> Result<Option<Arc<SigningKey>>, String> {
        let Some(path) = &self.client_key_file else {
            return Ok(None);
        };
        if self.client_secret.is_some() || self.client_secret_file.is_some() {
            return Err(
                "`client_key_file` is beside a client secret: one of them is meant".to_owned(),
            );
        }
        let shown = path.display();
        let text = secret_file::read(path).map(Zeroizing::new);
        let text = text.map_err(|why| format!("`client_key_file`: `{shown}` {why}"))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok();
        let key = der.and_then(|der| SigningKey::from_pkcs8(der.secret_pkcs8_der()).ok());
        let key = key.ok_or_else(|| {
            format!("`client_key_file`: `{shown}` is no P-256 key in PEM (PKCS #8), as `openssl genpkey` makes it")
        })?;
        Ok(Some(Arc::new(key)))
    }

    fn secret(&self) -> Result<Option<Zeroizing<String>>, String> {
        let text = match (&self.client_secret, &self.client_secret_file) {
            (Some(_), Some(_)) => {
                return Err("`client_secret` and `client_secret_file` are both set".to_owned());
            }
            (None, None) => return Ok(None),
            (Some(text), None) => text.clone(),
            (None, Some(path)) => secret_file::read(path)
                .map_err(|why| format!("`client_secret_file`: `{}` {why}", path.display()))?,
        };
        match text.trim() {
            "" => Err("the client secret is empty".to_owned()),
            text => Ok(Some(Zeroizing::new(text.to_owned()))),
        }
    }

    fn admission(&self, wrong: &mut Vec<String>) -> AdmissionRule {
        let domain = |text: &String| {
            let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            text.contains('.') && !text.starts_with('.') && text.chars().all(sound)
        };
        if let Some(text) = self.domains.iter().find(|text| !domain(text)) {
            wrong.push(format!(
                "`domains`: `{text}` is no domain in lower case, such as `example.com`"
            ));
        }
        let listed = !self.domains.is_empty() || !self.groups.is_empty();
        match (self.anyone, listed) {
            (true, true) => {
                wrong.push(
                    "`anyone` is beside `domains` or `groups`: one of them is meant".to_owned(),
                );
                AdmissionRule::Known
            }
            (true, false) => AdmissionRule::Anyone,
            (false, false) => AdmissionRule::Known,
            (false, true) => AdmissionRule::Listed {
                domains: self.domains.clone(),
                groups: self.groups.clone(),
            },
        }
    }
}

/// It stands in paths, and in names of people; that of a sink in metrics.
pub(super) fn unusable_name(name: &str) -> Option<&'static str> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(sound);
    (!fits).then_some("its name has 1 to 20 of `a` to `z`, digits and `-`")
}

/// OpenID Connect Discovery section 3: https, without query and fragment; loopback may be http.
fn unusable_issuer(issuer: &str, ours: Option<&ResourceUri>) -> Option<&'static str> {
    let Ok(url) = Url::parse(issuer) else {
        return Some("`issuer` is no URL");
    };
    if ours.is_some_and(|ours| ours.as_str() == issuer) {
        return Some("`issuer` is this server: nobody vouches for themselves");
    }
    let protected = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !protected {
        return Some("`issuer` is neither `https` nor loopback `http`");
    }
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (!bare).then_some("`issuer` has a query, a fragment or user information")
}

fn scopes(given: Option<&[String]>, wrong: &mut Vec<String>) -> Vec<String> {
    let Some(given) = given else {
        return DEFAULT_SCOPES.map(str::to_owned).to_vec();
    };
    let sound = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    if !given.iter().all(sound) || !given.iter().any(|name| name == "openid") {
        wrong.push("`scopes` are names without spaces, one of them `openid`".to_owned());
    }
    given.to_vec()
}

#[cfg(test)]
mod tests;
