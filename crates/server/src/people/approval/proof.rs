//! How a person shows, in this very answer, that it is them: the password typed now, or their device's signature over this
//! screen. A login of before is no proof (promise 7).

use serde_json::Value;
use writ_authority::Level;
use writ_core::authorize::UserSession;
use writ_core::liveness::Witnessed;
use writ_core::receipt::{Proof, Signature};
use writ_core::screen::Shown;
use writ_pages::{ApprovalProblem, LoginProblem};
use writ_passkey::{PasskeyError, RelyingParty};
use writ_store::passkey::StoredPasskey;
use writ_store::replay::ReplayClaim;
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use super::{Visit, broken};
use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::login::check_password;

/// A proof, the passkey as it is after its use, and what counts once.
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
pub async fn options(
    app: &App,
    person: &UserSession,
    shown: &Shown,
) -> Result<Option<String>, Ended> {
    let stored = stored(app, person).await?;
    let passkeys: Vec<String> = stored.into_iter().map(|one| one.passkey).collect();
    let Some(party) = relying_party(app).filter(|_| !passkeys.is_empty()) else {
        return Ok(None);
    };
    let challenge = shown.challenge().map_err(broken)?;
    let ceremony = party.start_approval(challenge, &passkeys).map_err(broken)?;
    Ok(Some(ceremony.options.to_string()))
}

impl Visit<'_> {
    pub(super) async fn prove(
        &self,
        shown: &Shown,
        level: Level,
        form: &Form,
    ) -> Result<Result<Proven, ApprovalProblem>, Ended> {
        let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
        match (field("assertion")?, field("password")?) {
            (Some(answer), _) => self.by_passkey(shown, level, answer).await,
            (None, Some(password)) if level <= Level::Password => self.by_password(password).await,
            (None, None) if level <= Level::Password => Ok(Err(ApprovalProblem::PasswordMissing)),
            _ => Ok(Err(ApprovalProblem::PasskeyFailed)),
        }
    }

    /// Counted and paused as at login, so that nobody guesses here what they may not guess there.
    async fn by_password(&self, password: &str) -> Result<Result<Proven, ApprovalProblem>, Ended> {
        let user = &self.person.user;
        let problem = match check_password(self.app, &user.name, password.to_owned()).await? {
            Ok(found) if found.id == user.id => {
                return Ok(Ok(Proven {
                    proof: Proof::Password,
                    at: self.app.clock.now(),
                    used: None,
                    once: None,
                }));
            }
            Ok(_) => ApprovalProblem::PasswordWrong,
            Err(problem) => match problem {
                LoginProblem::TooMany => ApprovalProblem::TooMany,
                LoginProblem::Busy => ApprovalProblem::Busy,
                _ => ApprovalProblem::PasswordWrong,
            },
        };
        Ok(Err(problem))
    }

    /// The browser learns only that it did not count; the log says why.
    async fn by_passkey(
        &self,
        shown: &Shown,
        level: Level,
        answer: &str,
    ) -> Result<Result<Proven, ApprovalProblem>, Ended> {
        let stored = stored(self.app, self.person).await?;
        let passkeys: Vec<String> = stored.iter().map(|one| one.passkey.clone()).collect();
        let Some(party) = relying_party(self.app) else {
            return Ok(Err(ApprovalProblem::PasskeyFailed));
        };
        let challenge = shown.challenge().map_err(broken)?;
        let signed = match signed(party, challenge, (answer, &passkeys)) {
            Ok(signed) => signed,
            Err(fault) => {
                let person = self.person.user.id.as_str();
                tracing::info!(%fault, person, "a passkey's approval is refused");
                return Ok(Err(ApprovalProblem::PasskeyFailed));
            }
        };
        let signature = Signature {
            rp_id: party.id().to_owned(),
            origin: party.origin().to_owned(),
            public_key: signed.public_key,
            assertion: serde_json::to_value(&signed.assertion).map_err(broken)?,
        };
        let at = self.app.clock.now();
        let (proof, once) = match level {
            Level::Liveness => match self.witnessed(shown, at)? {
                Ok(witnessed) => by_both(signature, witnessed),
                Err(problem) => return Ok(Err(problem)),
            },
            Level::None | Level::Password | Level::Passkey => (Proof::Passkey(signature), None),
        };
        let id = signed.assertion.credential_id;
        // Another passkey than the person's own was refused above; one that is not found counts for nothing at the commit.
        let before = stored.into_iter().find(|one| one.credential_id == id);
        Ok(Ok(Proven {
            proof,
            at,
            once,
            used: Some(Used {
                before: before.map(|one| one.passkey).unwrap_or_default(),
                credential_id: id,
                passkey: signed.passkey,
            }),
        }))
    }
}

/// Device and verifier, over the same screen.
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
    (answer, passkeys): (&str, &[String]),
) -> Result<writ_passkey::VerifiedApproval, PasskeyError> {
    let answer: Value =
        serde_json::from_str(answer).map_err(|e| PasskeyError::Malformed(e.to_string()))?;
    let state = party.start_approval(challenge, passkeys)?.state;
    party.finish_approval(&state, &answer, passkeys)
}

async fn stored(app: &App, person: &UserSession) -> Result<Vec<StoredPasskey>, Ended> {
    Ok(app.read().await?.passkeys_of(&person.user.id).await?)
}

fn relying_party(app: &App) -> Option<&RelyingParty> {
    app.passkeys.as_ref().ok()
}
