//! What people agreed to behind a token: whether that is enough for one use of an object. The server and a resource server judge
//! alike, by what the token says (docs/types.md).

use writ_wire::claims::{ApprovalBasis, ApprovalClaim};
use writ_wire::rar::Detail;

use crate::approvers::DecidedPeople;
use crate::ask::Level;
use crate::definition::TypeDefinition;
use crate::permit::Permit;
use crate::types::Types;

/// `acr` values of our issuer, weakest first.
pub const ACR_VALUES: [(&str, Level); 3] = [
    ("urn:writ:acr:password", Level::Password),
    ("urn:writ:acr:passkey", Level::Passkey),
    ("urn:writ:acr:liveness", Level::Liveness),
];

/// The level of an `acr` value of our issuer.
pub fn level_of(acr: &str) -> Option<Level> {
    let found = ACR_VALUES.into_iter().find(|(name, _)| *name == acr);
    found.map(|(_, level)| level)
}

/// How strongly people agreed, and who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenAgreement {
    pub level: Level,
    pub people: Option<DecidedPeople>,
}

impl TokenAgreement {
    /// From the claims `approval` and `acr` of a token. The level of a consent is that of the login before it.
    pub fn of(approval: Option<&ApprovalClaim>, acr: Option<&str>) -> Self {
        let level = match approval.map(|approval| approval.basis) {
            None | Some(ApprovalBasis::Policy) => Level::None,
            Some(ApprovalBasis::Consent) => acr.and_then(level_of).unwrap_or(Level::None),
            Some(ApprovalBasis::Password) => Level::Password,
            Some(ApprovalBasis::Passkey) => Level::Passkey,
            Some(ApprovalBasis::Liveness) => Level::Liveness,
        };
        let people = approval.and_then(|approval| {
            Some(DecidedPeople {
                by: approval.by?,
                people: approval.people?,
            })
        });
        Self { level, people }
    }

    /// Those of the objects for which this is what their type wants for this request: strong enough, and by those whom it
    /// designates. The error is the weakest level that would do.
    pub fn enough_for(
        self,
        permits: Vec<Permit>,
        granted: &[Detail],
        request: &Detail,
        types: &Types,
    ) -> Result<Vec<Permit>, Level> {
        let mut missing = None;
        let enough = permits.into_iter().filter(|permit| {
            let object = granted
                .iter()
                .find(|object| object.reference() == Some(permit.reference.as_str()));
            let definition = object.and_then(|object| types.of(object));
            let (level, by_those) = match definition {
                Some(known) => (wanted_level(known, request), self.is_by_those_of(known)),
                None => (Level::Liveness, false),
            };
            let agreed = self.level >= level && by_those;
            if !agreed {
                let level = definition.map_or(level, |known| known.level().max(level));
                missing = Some(missing.unwrap_or(level).min(level));
            }
            agreed
        });
        let enough: Vec<Permit> = enough.collect();
        match missing {
            Some(level) if enough.is_empty() => Err(level),
            _ => Ok(enough),
        }
    }

    /// Whether the people behind the token are those whom the type designates, by their role and number.
    fn is_by_those_of(self, definition: &TypeDefinition) -> bool {
        let stages = definition.approvers();
        stages.is_empty() || self.people.is_some_and(|people| people.fulfil(stages))
    }
}

/// What the object's type wants behind this request.
fn wanted_level(definition: &TypeDefinition, request: &Detail) -> Level {
    match definition.ask().needs_person(request) {
        true => definition.level(),
        false => Level::None,
    }
}
