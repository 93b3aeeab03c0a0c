//! Whom an operator's act concerns: somebody who holds an office, somebody who decides about requests of others, or neither. Whoever helps
//! the first two into an account has what they have.

use std::collections::BTreeSet;

use writ_authority::Types;
use writ_core::operator::ActTarget;
use writ_store::user::StoredUser;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::registration::{AgentFile, ApproversFile, ClientFile, OWNER, SPONSOR};

/// An operator before an approver. Reads the records of all agents, a page at a time: asked before an act, not for each row of a list.
pub async fn act_target(
    transaction: &mut DatabaseTransaction,
    types: &Types,
    user: &StoredUser,
) -> Result<ActTarget, StoreError> {
    if user.operator_role.is_some() {
        return Ok(ActTarget::Operator);
    }
    let name = user.user.name.as_str();
    let designated = designated_by_types(types);
    if designated.contains(name) || of_agents(transaction, &designated, name).await? {
        return Ok(ActTarget::Approver);
    }
    Ok(ActTarget::Ordinary)
}

/// Names, and the words for owner and sponsor.
fn designated_by_types(types: &Types) -> BTreeSet<&str> {
    let definitions = types.names().filter_map(|name| types.by_name(name));
    let stages = definitions.flat_map(|definition| definition.approvers());
    named(stages).collect()
}

const AGENTS_AT_ONCE: u32 = 500;

fn named<'a>(stages: impl Iterator<Item = &'a ApproversFile>) -> impl Iterator<Item = &'a str> {
    stages.flat_map(|stage| stage.of.iter().map(String::as_str))
}

async fn of_agents(
    transaction: &mut DatabaseTransaction,
    by_types: &BTreeSet<&str>,
    name: &str,
) -> Result<bool, StoreError> {
    let mut after = String::new();
    loop {
        let page = transaction.agents_after(&after, AGENTS_AT_ONCE).await?;
        let Some(last) = page.last() else {
            return Ok(false);
        };
        last.client.id.as_str().clone_into(&mut after);
        for listed in &page {
            let file: ClientFile = serde_json::from_str(&listed.client.metadata)
                .map_err(|e| StoreError::Corrupt(format!("client `{}`: {e}", listed.client.id)))?;
            if file
                .agent
                .is_some_and(|agent| decides_for(&agent, by_types, name))
            {
                return Ok(true);
            }
        }
    }
}

/// Whether this person decides about requests of this agent, by its record or by a type.
fn decides_for(agent: &AgentFile, by_types: &BTreeSet<&str>, name: &str) -> bool {
    let mut by_record = named(agent.approvers.iter());
    let holds = |role: &str, holder: &String| {
        let named_so = named(agent.approvers.iter()).any(|one| one == role);
        holder == name && (named_so || by_types.contains(role))
    };
    by_record.any(|one| one == name) || holds(OWNER, &agent.owner) || holds(SPONSOR, &agent.sponsor)
}
