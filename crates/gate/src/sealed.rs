//! Texts that clients carry for the gate: ids of events, and the state of a call that waits. Each is sealed for its owner under a key
//! that ends with the process, so another's is none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use writ_jose::seal::{MasterKey, SealedFor};
use writ_platform::Random;

use crate::config::GateError;
use crate::owner::Owner;

/// The longest text that is made, and opened, in bytes.
const MAX_SEALED: usize = 256 * 1024;

pub(crate) struct Sealer(MasterKey);

/// What a sealed text is for; one is never taken for the other.
#[derive(Clone, Copy)]
pub(crate) enum Carried<'a> {
    /// The id of an event, in one session.
    Event(&'a str),
    /// The question behind a call of a tool.
    State(&'a str),
}

impl Sealer {
    pub(crate) fn new(random: &Random) -> Result<Self, GateError> {
        let key = MasterKey::from_bytes(random.bytes());
        key.map(Self).map_err(|_| GateError::Key)
    }

    pub(crate) fn seal(&self, carried: Carried<'_>, owner: &Owner, plain: &str) -> Option<String> {
        let associated = associated(carried, owner);
        let sealed = self
            .0
            .seal(SealedFor::Storage, &associated, plain.as_bytes());
        let text = sealed.ok().map(|sealed| URL_SAFE_NO_PAD.encode(sealed));
        text.filter(|text| text.len() <= MAX_SEALED)
    }

    pub(crate) fn open(&self, carried: Carried<'_>, owner: &Owner, text: &str) -> Option<String> {
        if text.len() > MAX_SEALED {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let associated = associated(carried, owner);
        let plain = self.0.open(SealedFor::Storage, &associated, &sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

fn associated(carried: Carried<'_>, owner: &Owner) -> Vec<u8> {
    let (kind, of) = match carried {
        Carried::Event(session) => ("event", session),
        Carried::State(about) => ("state", about),
    };
    [kind, of, owner.as_str()].join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_has_a_longest_length() {
        let (sealer, alice) = (
            Sealer::new(&Random::seeded(1)).unwrap(),
            Owner::named("alice"),
        );
        let event = Carried::Event("session");
        let seal = |length: usize| sealer.seal(event, &alice, &"x".repeat(length));
        // Three bytes are four characters.
        let around = URL_SAFE_NO_PAD.decode(seal(0).unwrap()).unwrap().len();
        let room = MAX_SEALED / 4 * 3 - around;
        let longest = seal(room).unwrap();
        assert_eq!(longest.len(), MAX_SEALED);
        assert_eq!(sealer.open(event, &alice, &longest), Some("x".repeat(room)));
        assert_eq!(seal(room + 1), None);
        let longer = URL_SAFE_NO_PAD.encode(vec![0; MAX_SEALED / 4 * 3 + 1]);
        assert_eq!(sealer.open(event, &alice, &longer), None);
    }
}
