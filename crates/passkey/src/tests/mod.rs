//! WebAuthn Level 3, 7.1 and 7.2, step by step: each test breaks one step of the verification.

mod assertion;
mod enrolment;
mod library;
mod receipt;
mod rs256;
mod vectors;

use serde_json::Value;
use url::Url;

use crate::software::SoftwareAuthenticator;
use crate::{PasskeyError, PendingCeremony, RelyingParty, UserEntity, VerifiedApproval};

const ORIGIN: &str = "https://as.example";
const CHALLENGE: [u8; 32] = [0x5a; 32];

fn relying_party() -> RelyingParty {
    RelyingParty::new(&Url::parse("https://as.example/").unwrap()).unwrap()
}

fn person(name: &str) -> UserEntity {
    UserEntity {
        id: format!("usr_{name}"),
        name: name.to_owned(),
    }
}

fn phone() -> SoftwareAuthenticator {
    SoftwareAuthenticator::new([7; 32])
}

/// A user's passkey on a device.
struct Held {
    rp: RelyingParty,
    device: SoftwareAuthenticator,
    passkey: String,
}

impl Held {
    fn by(mut device: SoftwareAuthenticator) -> Self {
        let rp = relying_party();
        let passkey = enrol(&rp, &mut device, &person("alice"));
        Self {
            rp,
            device,
            passkey,
        }
    }

    fn begin(&self) -> PendingCeremony {
        let passkeys = std::slice::from_ref(&self.passkey);
        self.rp.start_approval(CHALLENGE, passkeys).unwrap()
    }

    fn finish(
        &self,
        ceremony: &PendingCeremony,
        answer: &Value,
    ) -> Result<VerifiedApproval, PasskeyError> {
        let passkeys = std::slice::from_ref(&self.passkey);
        self.rp.finish_approval(&ceremony.state, answer, passkeys)
    }

    /// A whole approval at `origin`.
    fn approve_at(&mut self, origin: &str) -> Result<VerifiedApproval, PasskeyError> {
        let ceremony = self.begin();
        let answer = self.device.get(&ceremony.options, origin)?;
        self.finish(&ceremony, &answer)
    }

    fn approve(&mut self) -> Result<VerifiedApproval, PasskeyError> {
        self.approve_at(ORIGIN)
    }

    fn log_in(&mut self) -> Result<crate::VerifiedLogin, PasskeyError> {
        let ceremony = self.rp.start_login(&CHALLENGE)?;
        let answer = self.device.get(&ceremony.options, ORIGIN)?;
        self.rp
            .finish_login(&ceremony.state, &answer, &self.passkey)
    }
}

fn enrol(rp: &RelyingParty, device: &mut SoftwareAuthenticator, person: &UserEntity) -> String {
    let ceremony = rp.start_enrolment(person, &[]).unwrap();
    let answer = device.create(&ceremony.options, ORIGIN).unwrap();
    rp.finish_enrolment(&ceremony.state, &answer)
        .unwrap()
        .passkey
}
