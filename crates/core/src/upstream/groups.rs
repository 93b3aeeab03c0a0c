//! What groups of a provider give here, and for how long: a group that was not read for a day gives nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use writ_wire::time::Timestamp;

use crate::role::RoleName;

/// How long groups that were read count.
pub const GROUPS_COUNT_FOR: Duration = Duration::from_secs(24 * 3600);
/// After how long they are read again, so that a provider may be away for hours.
pub const READ_AGAIN_AFTER: Duration = Duration::from_secs(18 * 3600);

/// Roles by groups of one provider, by the group's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRoles(BTreeMap<String, BTreeSet<RoleName>>);

impl GroupRoles {
    pub fn new(roles: BTreeMap<String, BTreeSet<RoleName>>) -> Self {
        Self(roles)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that these groups give; the name of a group must be equal.
    pub fn of(&self, groups: &BTreeSet<String>) -> BTreeSet<RoleName> {
        let given = groups.iter().filter_map(|group| self.0.get(group));
        given.flatten().cloned().collect()
    }
}

/// The latest time at which groups were read that count no more.
pub fn too_old(now: Timestamp) -> Timestamp {
    now.minus(GROUPS_COUNT_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<RoleName> {
        list.iter()
            .map(|name| RoleName::parse(name).unwrap())
            .collect()
    }

    #[test]
    fn groups_give_what_the_map_says_and_nothing_else() {
        let map = GroupRoles::new(BTreeMap::from([
            ("g1".to_owned(), names(&["clerk"])),
            ("g2".to_owned(), names(&["clerk", "teller"])),
        ]));
        for (groups, expected) in [
            (&[][..], &[][..]),
            (&["g1"], &["clerk"]),
            (&["g1", "g2"], &["clerk", "teller"]),
            (&["G1"], &[]),
            (&["g1 "], &[]),
            (&["g"], &[]),
            (&["clerk"], &[]),
            (&["g3", "g1"], &["clerk"]),
        ] {
            let groups = groups.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(map.of(&groups), names(expected), "{groups:?}");
        }
        assert!(GroupRoles::default().is_empty() && !map.is_empty());
    }

    #[test]
    fn groups_are_read_again_long_before_they_count_no_more() {
        assert!(READ_AGAIN_AFTER * 4 <= GROUPS_COUNT_FOR * 3);
        let now = Timestamp::from_seconds(1_790_000_000);
        assert_eq!(too_old(now).plus(GROUPS_COUNT_FOR), now);
    }
}
