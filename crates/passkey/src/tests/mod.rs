//! A relying party and a device, step by step of WebAuthn Level 3, 7.1 and 7.2: each test breaks one step.

mod assertion;
mod enrolment;
mod library;
mod receipt;
mod rs256;
mod vectors;

use serde_json::Value;
use url::Url;

use crate::software::Device;
use crate::{Approved, Ceremony, Fault, Person, RelyingParty};

const ORIGIN: &str = "https://as.example";
const CHALLENGE: [u8; 32] = [0x5a; 32];

fn relying_party() -> RelyingParty {
    RelyingParty::new(&Url::parse("https://as.example/").unwrap()).unwrap()
}

fn person(name: &str) -> Person {
    Person {
        id: format!("usr_{name}"),
        name: name.to_owned(),
    }
}

fn phone() -> Device {
    Device::new([7; 32])
}

/// A person's passkey on a device.
struct Held {
    rp: RelyingParty,
    device: Device,
    passkey: String,
}

impl Held {
    fn by(mut device: Device) -> Self {
        let rp = relying_party();
        let passkey = enrol(&rp, &mut device, &person("alice"));
        Self {
            rp,
            device,
            passkey,
        }
    }

    fn begin(&self) -> Ceremony {
        let passkeys = std::slice::from_ref(&self.passkey);
        self.rp.approve(CHALLENGE, passkeys).unwrap()
    }

    fn finish(&self, ceremony: &Ceremony, answer: &Value) -> Result<Approved, Fault> {
        let passkeys = std::slice::from_ref(&self.passkey);
        self.rp.approved(&ceremony.state, answer, passkeys)
    }

    /// A whole approval at `origin`.
    fn approve_at(&mut self, origin: &str) -> Result<Approved, Fault> {
        let ceremony = self.begin();
        let answer = self.device.get(&ceremony.options, origin)?;
        self.finish(&ceremony, &answer)
    }

    fn approve(&mut self) -> Result<Approved, Fault> {
        self.approve_at(ORIGIN)
    }

    fn log_in(&mut self) -> Result<crate::Used, Fault> {
        let ceremony = self.rp.login(&CHALLENGE)?;
        let answer = self.device.get(&ceremony.options, ORIGIN)?;
        self.rp.logged_in(&ceremony.state, &answer, &self.passkey)
    }
}

fn enrol(rp: &RelyingParty, device: &mut Device, person: &Person) -> String {
    let ceremony = rp.enrol(person, &[]).unwrap();
    let answer = device.create(&ceremony.options, ORIGIN).unwrap();
    rp.enrolled(&ceremony.state, &answer).unwrap().passkey
}
