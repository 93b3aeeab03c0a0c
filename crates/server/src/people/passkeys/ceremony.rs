//! A ceremony of somebody who is signed in, between its two halves: kept for minutes, for one browser, one person and one use
//! (WebAuthn section 13.4.3). A login keeps none.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use writ_jose::hash;
use writ_passkey::{PendingCeremony, RelyingParty};
use writ_store::passkey::{NewCeremony, StoredPasskey};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use super::accepted::accepted_passkeys;
use crate::client::answer::json as json_answer;
use crate::people::error::PageError;
use crate::people::request::{PostedForm, SignedIn};

/// As long as the device is given to answer (WebAuthn section 15.1).
const LIFETIME: Duration = Duration::from_secs(300);

/// What a script of ours asks for, before a ceremony begins.
pub struct CeremonyRequest<'a> {
    pub person: SignedIn<'a>,
    pub form: &'a Form,
    pub relying_party: &'a RelyingParty,
    /// The passkeys that the person has.
    pub existing: Vec<StoredPasskey>,
    /// Those of them that count here.
    pub accepted: Vec<StoredPasskey>,
}

impl<'a> CeremonyRequest<'a> {
    pub async fn of(posted: &'a PostedForm) -> Result<Self, PageError> {
        let (person, form) = posted.of_signed_in_for_script()?;
        let relying_party = person.app.relying_party_for_script()?;
        let mut reading = person.app.read().await?;
        Ok(Self {
            existing: reading.passkeys_of(person.id()).await?,
            accepted: accepted_passkeys(person.app, &mut reading, person.id()).await?,
            person,
            form,
            relying_party,
        })
    }
}

#[derive(Clone, Copy)]
pub enum CeremonyKind {
    /// A new passkey.
    Enrol,
    /// One that the person has.
    Prove,
}

impl CeremonyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Prove => "prove",
        }
    }

    /// Keeps what the second half needs, and answers the options for the device.
    pub async fn begin(
        self,
        person: SignedIn<'_>,
        began: &PendingCeremony,
        kept: &impl Serialize,
    ) -> Result<Response, PageError> {
        let state = serde_json::to_string(kept).map_err(PageError::broken)?;
        let now = person.app.clock.now();
        let mut transaction = person.begin_change().await?;
        transaction
            .insert_ceremony(NewCeremony {
                digest: &self.digest(person, &began.challenge),
                kind: self.as_str(),
                user: Some(&person.user().id),
                state: &state,
                created_at: now,
                expires_at: now.plus(LIFETIME),
            })
            .await?;
        transaction.commit().await?;
        Ok(json_answer(StatusCode::OK, &began.options))
    }

    /// What was kept, once; the caller commits, whatever comes of it.
    pub async fn take<K: DeserializeOwned>(
        self,
        person: SignedIn<'_>,
        transaction: &mut DatabaseTransaction,
        challenge: &str,
    ) -> Result<Option<K>, StoreError> {
        let now = person.app.clock.now();
        let digest = self.digest(person, challenge);
        let taken = transaction
            .consume_ceremony(&digest, self.as_str(), now)
            .await?;
        Ok(taken
            .filter(|(user, _)| user.as_ref() == Some(&person.user().id))
            .and_then(|(_, state)| serde_json::from_str(&state).ok()))
    }

    /// Another browser's answer finds nothing.
    fn digest(self, person: SignedIn<'_>, challenge: &str) -> String {
        let browser = person.browser.digest();
        hash::digest_text(&[
            b"passkey-ceremony",
            self.as_str().as_bytes(),
            browser.as_bytes(),
            challenge.as_bytes(),
        ])
    }
}
