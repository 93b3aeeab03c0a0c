//! Whether an approval is one by those whom a type designates. A token says in which role people decided and how many they were,
//! never who: so the server and a resource server judge alike, by numbers.

use writ_wire::claims::DecidedBy;
use writ_wire::registration::{ApproversFile, SUBJECT};

/// The people behind an approval, as a token tells of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecidedPeople {
    pub by: DecidedBy,
    /// All of them, the subject included.
    pub people: u32,
}

impl DecidedPeople {
    /// Whether one stage of a designation is fulfilled. No stages: whoever decided, decided.
    pub fn fulfil(self, stages: &[ApproversFile]) -> bool {
        stages.is_empty() || stages.iter().any(|stage| self.fulfils(stage))
    }

    fn fulfils(self, stage: &ApproversFile) -> bool {
        let subject = u32::from(self.by != DecidedBy::Designated);
        let designated = match self.by {
            DecidedBy::Subject => 0,
            DecidedBy::Designated | DecidedBy::Both => self.people.saturating_sub(subject),
        };
        let named = |is_subject: bool| stage.of.iter().any(|name| (name == SUBJECT) == is_subject);
        let by_others = if named(false) { designated } else { 0 };
        let by_subject = if named(true) { subject } else { 0 };
        usize::try_from(by_others + by_subject).is_ok_and(|agreed| agreed >= stage.need)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(of: &[&str], need: usize) -> ApproversFile {
        ApproversFile {
            of: of.iter().map(|name| (*name).to_owned()).collect(),
            need,
        }
    }

    fn decided(by: DecidedBy, people: u32) -> DecidedPeople {
        DecidedPeople { by, people }
    }

    #[test]
    fn a_step_counts_only_those_whom_it_names() {
        use DecidedBy::{Both, Designated, Subject};
        let bob = [stage(&["bob"], 1)];
        let two = [stage(&["bob", "carol", "dan"], 2)];
        let with_subject = [stage(&[SUBJECT, "bob"], 2)];
        let only_subject = [stage(&[SUBJECT], 1)];
        let later = [stage(&["bob", "carol"], 2), stage(&["dan"], 1)];
        let cases = [
            (decided(Subject, 1), &bob[..], false),
            (decided(Designated, 1), &bob, true),
            (decided(Both, 2), &bob, true),
            (decided(Designated, 1), &two, false),
            (decided(Designated, 2), &two, true),
            (decided(Both, 2), &two, false),
            (decided(Both, 3), &two, true),
            (decided(Subject, 1), &with_subject, false),
            (decided(Designated, 1), &with_subject, false),
            (decided(Both, 2), &with_subject, true),
            (decided(Subject, 1), &only_subject, true),
            (decided(Designated, 1), &only_subject, false),
            (decided(Designated, 1), &later, true),
            (decided(Subject, 1), &[], true),
            // Numbers that nobody of ours writes.
            (decided(Both, 1), &bob, false),
            (decided(Subject, 9), &two, false),
        ];
        for (decided, stages, fulfilled) in cases {
            assert_eq!(decided.fulfil(stages), fulfilled, "{decided:?} {stages:?}");
        }
    }
}
