//! What a grant keeps of the guest's document, and how a later document differs from it
//! (draft-ietf-oauth-client-id-metadata-document-03 section 6.3).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use writ_wire::registration::AuthMethod;

use crate::client::{Authentication, Client, ClientKeys};

/// Redirect URIs, method, keys and name as the person agreed to them; kept as JSON with the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptDocument {
    pub name: String,
    pub method: AuthMethod,
    /// Thumbprints (RFC 7638). Grants of earlier versions have the URL where a client that registered itself publishes its keys.
    pub keys: BTreeSet<String>,
    pub redirect_uris: BTreeSet<String>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentChange {
    None,
    /// Its open codes end, and the next consent says it.
    Other,
    /// A weaker method, or a key is gone: its tasks wait until the person lets them go on.
    Weaker,
}

impl KeptDocument {
    pub fn of(client: &Client) -> Self {
        let (method, keys) = match &client.authentication {
            Authentication::PrivateKeyJwt(keys) => (AuthMethod::PrivateKeyJwt, names(keys)),
            Authentication::Secret(_) => (AuthMethod::ClientSecretBasic, BTreeSet::new()),
            Authentication::Public => (AuthMethod::None, BTreeSet::new()),
        };
        let guest = client.guest.as_ref();
        let refused = guest.map(|guest| guest.refused_redirects.as_slice());
        let refused = refused
            .unwrap_or_default()
            .iter()
            .map(|refused| &refused.uri);
        Self {
            name: guest.map_or_else(|| client.name.clone(), |guest| guest.says.clone()),
            method,
            keys,
            redirect_uris: client
                .redirect_uris
                .iter()
                .chain(refused)
                .cloned()
                .collect(),
        }
    }

    /// What this client is now against what was kept of it, by the kind of key names that were kept.
    pub fn compare_with(&self, client: &Client) -> DocumentChange {
        let mut now = Self::of(client);
        if let Authentication::PrivateKeyJwt(keys) = &client.authentication
            && let Some(url) = keys.published_at()
            && self.keeps_url()
        {
            now.keys = [url.to_owned()].into();
        }
        self.compare(&now)
    }

    /// The same where keys at an unchanged place cannot be had now: they are taken for those that were kept.
    pub fn compare_without_keys(&self, client: &Client) -> DocumentChange {
        let now = Self {
            keys: self.keys.clone(),
            ..Self::of(client)
        };
        self.compare(&now)
    }

    /// No thumbprint has a colon.
    fn keeps_url(&self) -> bool {
        self.keys.iter().any(|key| key.contains(':'))
    }

    /// What a client is now against what was kept of it.
    pub fn compare(&self, now: &Self) -> DocumentChange {
        let is_weaker = strength(now.method) < strength(self.method);
        if is_weaker || !self.keys.is_subset(&now.keys) {
            DocumentChange::Weaker
        } else if self != now {
            DocumentChange::Other
        } else {
            DocumentChange::None
        }
    }
}

fn names(keys: &ClientKeys) -> BTreeSet<String> {
    match keys {
        ClientKeys::Registered(keys) | ClientKeys::Fetched { keys, .. } => keys
            .keys()
            .iter()
            .map(|key| key.thumbprint().to_string())
            .collect(),
        ClientKeys::At(url) => [url.clone()].into(),
    }
}

/// A key proves more than a shared secret, and that more than a name.
const fn strength(method: AuthMethod) -> u8 {
    match method {
        AuthMethod::None => 0,
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => 1,
        AuthMethod::PrivateKeyJwt => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(method: AuthMethod, keys: &[&str], name: &str) -> KeptDocument {
        KeptDocument {
            name: name.to_owned(),
            method,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            redirect_uris: BTreeSet::new(),
        }
    }

    #[test]
    fn a_weaker_method_or_a_key_that_is_gone_weakens_and_more_keys_do_not() {
        use AuthMethod::{None, PrivateKeyJwt};
        let before = kept(PrivateKeyJwt, &["a", "b"], "Client");
        for (after, change) in [
            (before.clone(), DocumentChange::None),
            (kept(None, &[], "Client"), DocumentChange::Weaker),
            (
                kept(PrivateKeyJwt, &["a"], "Client"),
                DocumentChange::Weaker,
            ),
            (
                kept(PrivateKeyJwt, &["a", "b", "c"], "Client"),
                DocumentChange::Other,
            ),
            (
                kept(PrivateKeyJwt, &["a", "b"], "Other"),
                DocumentChange::Other,
            ),
        ] {
            assert_eq!(before.compare(&after), change, "{after:?}");
        }
        let public = kept(None, &[], "Client");
        let stronger = kept(PrivateKeyJwt, &["a"], "Client");
        assert_eq!(public.compare(&stronger), DocumentChange::Other);
        let secret = kept(AuthMethod::ClientSecretPost, &[], "Client");
        assert_eq!(secret.compare(&public), DocumentChange::Weaker);
        assert_eq!(public.compare(&secret), DocumentChange::Other);
    }
}
