//! For whom something is kept: subject, client and delegation. What one has, another cannot take up.

use writ_jose::hash::digest_text;
use writ_verifier::{Caller, CallerSubject};

/// A digest of the three; equal exactly for the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner(String);

impl Owner {
    pub(crate) fn of(caller: &Caller) -> Self {
        let kind = match caller.subject {
            CallerSubject::Person(_) => "person",
            CallerSubject::Agent(_) => "agent",
            CallerSubject::Client(_) => "client",
        };
        let delegation = caller.delegation.as_deref();
        let parts = [
            kind,
            caller.subject.id(),
            &caller.client,
            if delegation.is_some() {
                "delegation"
            } else {
                "none"
            },
            delegation.unwrap_or_default(),
        ];
        Self(digest_text(&parts.map(str::as_bytes)))
    }

    #[cfg(test)]
    pub(crate) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
