//! A ceremony of somebody who is signed in, between its two halves: kept for minutes, for one browser, one person and one use
//! (WebAuthn 13.4.3). A login keeps none.

use std::time::Duration;

use writ_core::id::UserId;
use writ_jose::hash;
use writ_passkey as passkey;
use writ_store::DatabaseTransaction;
use writ_store::passkey::NewCeremony;

use crate::node::app::App;
use crate::people::authorize::Ended;
use crate::people::session::Browser;

pub const ENROL: &str = "enrol";
pub const PROVE: &str = "prove";

/// As long as the device is given to answer (WebAuthn 15.1).
const LIFETIME: Duration = Duration::from_secs(300);

/// Whose ceremony it is.
pub struct Ceremony<'a> {
    pub kind: &'static str,
    pub browser: &'a Browser,
    pub person: &'a UserId,
}

impl Ceremony<'_> {
    pub async fn keep(&self, app: &App, began: &passkey::PendingCeremony) -> Result<(), Ended> {
        let now = app.clock.now();
        let mut session = app.begin().await?;
        session
            .insert_ceremony(NewCeremony {
                digest: &self.digest(&began.challenge),
                kind: self.kind,
                user: Some(self.person),
                state: &began.state,
                created_at: now,
                expires_at: now.plus(LIFETIME),
            })
            .await?;
        Ok(session.commit().await?)
    }

    /// The kept state, once; the caller commits, whatever comes of it.
    pub async fn take(
        &self,
        app: &App,
        session: &mut DatabaseTransaction,
        challenge: &str,
    ) -> Result<Option<String>, Ended> {
        let now = app.clock.now();
        let digest = self.digest(challenge);
        let taken = session.consume_ceremony(&digest, self.kind, now).await?;
        Ok(taken.and_then(|(user, state)| (user.as_ref() == Some(self.person)).then_some(state)))
    }

    /// Another browser's answer finds nothing.
    fn digest(&self, challenge: &str) -> String {
        let browser = self.browser.digest();
        hash::digest_text(&[
            b"passkey-ceremony",
            self.kind.as_bytes(),
            browser.as_bytes(),
            challenge.as_bytes(),
        ])
    }
}
