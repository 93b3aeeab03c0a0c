//! How a person is authenticated for one approval: the password typed in this form, or a passkey's signature over the hash of this
//! screen. An earlier login is no proof.

use serde_json::Value;
use writ_authority::Level;
use writ_core::liveness::Witnessed;
use writ_core::receipt::{Proof, Signature};
use writ_core::screen::Shown;
use writ_pages::ApprovalProblem;
use writ_passkey::{PasskeyError, RelyingParty};
use writ_store::StoreError;
use writ_store::passkey::StoredPasskey;
use writ_store::replay::ReplayClaim;
use writ_wire::form::Form;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;

use super::Visit;
use crate::node::app::App;
use crate::people::error::{PageError, StepError};
use crate::people::passkeys::{accepted_passkeys, retire};
use crate::people::password::{PasswordProblem, check_own};
use crate::people::request::SignedIn;

/// A proof, the passkey with its new signature counter, and the replay claim of a liveness result.
pub struct Proven {
    pub proof: Proof,
    pub at: Timestamp,
    pub used: Option<Used>,
    pub once: Option<ReplayClaim>,
}

pub struct Used {
    pub credential_id: String,
    /// What the signature was judged by.
    pub before: String,
    pub passkey: String,
}

/// What the browser asks the device to sign; `None` where the person has no passkey, or this server can have none.
pub async fn options(person: SignedIn<'_>, shown: &Shown) -> Result<Option<String>, PageError> {
    let stored = stored(person).await?;
    let passkeys: Vec<String> = stored.into_iter().map(|one| one.passkey).collect();
    let Some(party) = relying_party(person.app).filter(|_| !passkeys.is_empty()) else {
        return Ok(None);
    };
    let challenge = shown.challenge().map_err(PageError::broken)?;
    let ceremony = party.start_approval(challenge, &passkeys);
    let ceremony = ceremony.map_err(PageError::broken)?;
    Ok(Some(ceremony.options.to_string()))
}

impl Visit<'_> {
    pub(super) async fn prove(
        &self,
        shown: &Shown,
        level: Level,
        form: &Form,
    ) -> Result<Proven, StepError<ApprovalProblem>> {
        let problem = |problem| Err(StepError::Problem(problem));
        match (form.optional("assertion")?, form.optional("password")?) {
            (Some(answer), _) => self.by_passkey(shown, level, answer).await,
            (None, Some(password)) if level <= Level::Password => self.by_password(password).await,
            (None, None) if level <= Level::Password => problem(ApprovalProblem::PasswordMissing),
            _ => problem(ApprovalProblem::PasskeyFailed),
        }
    }

    /// Counted by this session alone: what fails elsewhere never keeps this answer out.
    async fn by_password(&self, password: &str) -> Result<Proven, StepError<ApprovalProblem>> {
        let checked = check_own(self.person, password).await;
        checked.map_err(|error| error.map(PasswordProblem::at_approval))?;
        Ok(Proven {
            proof: Proof::Password,
            at: self.app.clock.now(),
            used: None,
            once: None,
        })
    }

    /// The browser learns only that it did not count; the log says why. A passkey that its device changed is retired.
    async fn refused(&self, fault: PasskeyError) -> Result<StepError<ApprovalProblem>, PageError> {
        let user = &self.person.user().id;
        tracing::info!(%fault, person = user.as_str(), "a passkey's approval is refused");
        let PasskeyError::EligibilityChanged(id) = fault else {
            return Ok(StepError::Problem(ApprovalProblem::PasskeyFailed));
        };
        let mut transaction = self.person.begin_change().await?;
        retire(self.app, &mut transaction, user, &id).await?;
        transaction.commit().await?;
        self.app.notices.wake();
        Ok(StepError::Problem(ApprovalProblem::PasskeyChanged))
    }

    async fn by_passkey(
        &self,
        shown: &Shown,
        level: Level,
        answer: &str,
    ) -> Result<Proven, StepError<ApprovalProblem>> {
        let failed = || StepError::Problem(ApprovalProblem::PasskeyFailed);
        let stored = stored(self.person).await?;
        let passkeys: Vec<String> = stored.iter().map(|one| one.passkey.clone()).collect();
        let party = relying_party(self.app).ok_or_else(failed)?;
        let challenge = shown.challenge().map_err(PageError::broken)?;
        let signed = match signed(party, challenge, answer, &passkeys) {
            Ok(signed) => signed,
            Err(fault) => return Err(self.refused(fault).await?),
        };
        let signature = Signature {
            rp_id: party.id().to_owned(),
            origin: party.origin().to_owned(),
            public_key: signed.public_key,
            assertion: serde_json::to_value(&signed.assertion).map_err(PageError::broken)?,
        };
        let at = self.app.clock.now();
        let (proof, once) = match level {
            Level::Liveness => by_both(signature, self.witnessed(shown, at)?),
            Level::None | Level::Password | Level::Passkey => (Proof::Passkey(signature), None),
        };
        let id = signed.assertion.credential_id;
        // Another passkey than the person's own was refused above; one that is not found counts for nothing at the commit.
        let before = stored.into_iter().find(|one| one.credential_id == id);
        Ok(Proven {
            proof,
            at,
            once,
            used: Some(Used {
                before: before.map(|one| one.passkey).unwrap_or_default(),
                credential_id: id,
                passkey: signed.passkey,
            }),
        })
    }
}

/// A passkey's signature and a liveness result, both over the hash of the same screen.
fn by_both(passkey: Signature, witnessed: Witnessed) -> (Proof, Option<ReplayClaim>) {
    let once = ReplayClaim {
        digest: witnessed.replay_digest,
        expires_at: witnessed.accepted_until,
    };
    let verifier = Box::new(witnessed.seen);
    (Proof::Liveness { passkey, verifier }, Some(once))
}

/// The challenge follows from the screen, so nothing is kept between the two halves of the ceremony.
fn signed(
    party: &RelyingParty,
    challenge: [u8; 32],
    answer: &str,
    passkeys: &[String],
) -> Result<writ_passkey::VerifiedApproval, PasskeyError> {
    let answer: Value =
        strict_json::read(answer).map_err(|e| PasskeyError::Malformed(e.to_string()))?;
    let state = party.start_approval(challenge, passkeys)?.state;
    party.finish_approval(&state, &answer, passkeys)
}

async fn stored(person: SignedIn<'_>) -> Result<Vec<StoredPasskey>, StoreError> {
    let mut reading = person.app.read().await?;
    accepted_passkeys(person.app, &mut reading, person.id()).await
}

fn relying_party(app: &App) -> Option<&RelyingParty> {
    app.passkeys.as_ref().ok()
}
