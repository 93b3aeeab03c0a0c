//! Delegations, from a subject to an agent or from an agent to the next.

use writ_authority::Authority;
use writ_jose::key::Thumbprint;
use writ_wire::claims::{Act, PROFILE_AGENT};
use writ_wire::time::Timestamp;

use crate::id::{ClientId, DelegationId, TaskId};
use crate::onward::Onward;
use crate::task::Approval;

/// Most rows from a delegation up to its root; narrowing adds rows too.
pub const MAX_LINEAGE: usize = 32;

/// The measure of every token below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delegation {
    pub id: DelegationId,
    pub task: TaskId,
    pub parent: Option<DelegationId>,
    /// For a delegation that a person approved within a task: the delegation of the chain that asked. It is no measure of this
    /// one, but this one dies with it.
    pub asked_by: Option<DelegationId>,
    /// Ids from the root to this one, joined by `/`.
    pub path: String,
    /// The client that presents tokens of this delegation.
    pub holder: ClientId,
    /// The client that asked for it: another than the holder after a hand over.
    pub requested_by: ClientId,
    pub authority: Authority,
    pub onward: Onward,
    /// The actor chain of its tokens; absent where nobody acts for somebody else.
    pub act: Option<Act>,
    /// The person's decision on this delegation alone; absent where the task's approval speaks for it. Such a delegation is good for one
    /// token and goes nowhere.
    pub approval: Option<Approval>,
    /// The key of the first token; absent for bearer and until the code is redeemed.
    pub jkt: Option<Thumbprint>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Delegation {
    pub fn depth(&self) -> usize {
        self.act.as_ref().map_or(0, Act::depth)
    }

    /// Whether it was approved for one action alone.
    pub fn is_single_use(&self) -> bool {
        self.approval.is_some()
    }

    /// Number of rows from the root to this one.
    pub fn lineage_length(&self) -> usize {
        self.path.split('/').count()
    }

    /// The chain of actors from the current one inwards, for events.
    pub fn actor_path(&self) -> String {
        let names: Vec<&str> = self
            .act
            .iter()
            .flat_map(Act::chain)
            .map(|a| a.sub.as_str())
            .collect();
        names.join(">")
    }
}

/// The outermost actor of a token: `holder` acts by `delegation`, around earlier actors.
pub fn act(issuer: &str, holder: &ClientId, delegation: &DelegationId, inner: Option<&Act>) -> Act {
    Act {
        iss: issuer.to_owned(),
        sub: holder.to_string(),
        sub_profile: PROFILE_AGENT.to_owned(),
        dlg: delegation.to_string(),
        act: inner.cloned().map(Box::new),
    }
}

/// The actor of a guest's token.
pub fn guest_act(issuer: &str, guest: &ClientId, delegation: &DelegationId, profile: &str) -> Act {
    Act {
        sub_profile: profile.to_owned(),
        ..act(issuer, guest, delegation, None)
    }
}

/// The path of a child.
pub fn path(parent: Option<&str>, id: &DelegationId) -> String {
    parent.map_or_else(|| id.to_string(), |above| format!("{above}/{id}"))
}
