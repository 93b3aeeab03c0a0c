//! To whom a delegation may go on, and how deep. Like authority, it only narrows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use writ_wire::registration::OnwardFile;

use crate::client::{Agent, Client};
use crate::id::{ClientId, UserId};

/// The most `act` objects of any token, unless less is said.
pub const DEFAULT_DEPTH: usize = 4;

/// Both conditions hold at once; an absent one asks nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onward {
    /// Only these agents.
    pub agents: Option<BTreeSet<ClientId>>,
    /// Only agents of these owners: more than one is nobody.
    pub owners: BTreeSet<UserId>,
    /// The largest number of `act` objects of a token made from this delegation.
    pub depth: usize,
}

impl Onward {
    /// From an agent's record; without names, the agents of the same owner.
    pub fn registered(file: Option<&OnwardFile>, owner: &UserId) -> Self {
        let depth = file
            .and_then(|f| f.depth)
            .unwrap_or(DEFAULT_DEPTH)
            .min(DEFAULT_DEPTH);
        match file.and_then(|f| f.agents.as_ref()) {
            Some(names) => Self {
                agents: Some(
                    names
                        .iter()
                        .map(|name| ClientId::from_text(name.as_str()))
                        .collect(),
                ),
                owners: BTreeSet::new(),
                depth,
            },
            None => Self {
                agents: None,
                owners: BTreeSet::from([owner.clone()]),
                depth,
            },
        }
    }

    /// What this client's record allows now.
    pub fn of(client: &Client) -> Self {
        let agent = client.agent.as_ref();
        agent.map_or_else(Self::nobody, |agent| agent.onward.clone())
    }

    /// To nobody: what a client that is no agent has.
    pub fn nobody() -> Self {
        Self {
            agents: Some(BTreeSet::new()),
            owners: BTreeSet::new(),
            depth: 0,
        }
    }

    pub fn allows(&self, agent: &Agent, id: &ClientId) -> bool {
        self.agents
            .as_ref()
            .is_none_or(|agents| agents.contains(id))
            && self.owners.iter().all(|owner| *owner == agent.owner)
    }

    /// Whether nothing of this one is outside the other.
    pub fn is_within(&self, other: &Self) -> bool {
        self.meet(other) == *self
    }

    /// Only what both allow.
    pub fn meet(&self, other: &Self) -> Self {
        let agents = match (&self.agents, &other.agents) {
            (Some(mine), Some(theirs)) => Some(mine.intersection(theirs).cloned().collect()),
            (Some(only), None) | (None, Some(only)) => Some(only.clone()),
            (None, None) => None,
        };
        Self {
            agents,
            owners: self.owners.union(&other.owners).cloned().collect(),
            depth: self.depth.min(other.depth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onward(agents: Option<&[&str]>, owners: &[&str], depth: usize) -> Onward {
        let names = |names: &[&str]| names.iter().map(|n| ClientId::from_text(*n)).collect();
        Onward {
            agents: agents.map(names),
            owners: owners.iter().map(|name| UserId::from_text(*name)).collect(),
            depth,
        }
    }

    #[test]
    fn nothing_is_within_what_allows_less() {
        let shown = onward(Some(&["agt_a", "agt_b"]), &[], 2);
        let wider = [
            shown.clone(),
            onward(Some(&["agt_a", "agt_b", "agt_c"]), &[], 4),
            onward(None, &[], 2),
        ];
        for record in wider {
            assert!(shown.is_within(&record), "{record:?}");
        }
        let narrower = [
            Onward::nobody(),
            onward(Some(&["agt_a"]), &[], 2),
            onward(Some(&["agt_a", "agt_b"]), &[], 1),
            // Both agents may be of another owner.
            onward(None, &["usr_alice"], 4),
        ];
        for record in narrower {
            assert!(!shown.is_within(&record), "{record:?}");
        }
        assert!(Onward::nobody().is_within(&Onward::nobody()));
    }
}
