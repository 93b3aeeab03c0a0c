//! The owner and the sponsor of an agent: while one of them is disabled or removed, the agent cannot act.

use writ_core::id::{ClientId, UserId};
use writ_core::realm::DEFAULT_TENANT;
use writ_store::registered::PersonState;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::registration::AgentFile;

use super::change_user;
use super::register::{Registrar, RegistrationError};

/// Agents that a sentence names; of the others it says how many there are.
pub const NAMED_AGENTS: u32 = 20;

/// Agents that a person owns or sponsors.
pub struct AgentsBehind {
    pub count: i64,
    /// The first [`NAMED_AGENTS`] of them.
    pub named: Vec<ClientId>,
}

impl AgentsBehind {
    pub(super) async fn of(
        transaction: &mut DatabaseTransaction,
        person: &UserId,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            count: transaction.agents_behind(person).await?,
            named: transaction
                .agents_named_behind(person, NAMED_AGENTS)
                .await?,
        })
    }

    /// `2 agents that they own or sponsor (`agt_a`, `agt_b`)`; `None` without any.
    pub fn sentence(&self) -> Option<String> {
        let named: Vec<String> = self.named.iter().map(|id| format!("`{id}`")).collect();
        let several = if self.count == 1 { "" } else { "s" };
        let (count, named) = (self.count, named.join(", "));
        let others = count - i64::try_from(self.named.len()).unwrap_or(count);
        let more = match others {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        (count > 0)
            .then(|| format!("{count} agent{several} that they own or sponsor ({named}{more})"))
    }
}

/// Why an agent cannot act though it is not suspended, each a sentence's part: "its owner `alice` was removed".
pub async fn halted(
    reading: &mut DatabaseTransaction,
    agent: &AgentFile,
) -> Result<Vec<String>, StoreError> {
    let mut states = [PersonState::Unknown; 2];
    for (state, name) in states.iter_mut().zip([&agent.owner, &agent.sponsor]) {
        if let Some(stored) = reading.user_by_name(name).await? {
            *state = PersonState::new(true, stored.user.disabled, stored.removed);
        }
    }
    let [owner, sponsor] = states;
    Ok(halted_by(agent, owner, sponsor))
}

/// The same, of what is known of them.
pub fn halted_by(agent: &AgentFile, owner: PersonState, sponsor: PersonState) -> Vec<String> {
    let people = [
        ("owner", &agent.owner, owner),
        ("sponsor", &agent.sponsor, sponsor),
    ];
    let sentence = |(role, name, state): (&str, &String, PersonState)| {
        let why = match state {
            PersonState::Active => return None,
            PersonState::Removed => "was removed",
            PersonState::Disabled => "is disabled",
            PersonState::Unknown => "is not known",
        };
        Some(format!("its {role} `{name}` {why}"))
    };
    people.into_iter().filter_map(sentence).collect()
}

impl Registrar<'_> {
    /// What cannot act any more without this person.
    pub async fn agents_of(&self, name: &str) -> Result<AgentsBehind, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        let id = change_user::registered(&mut reading, name).await?.user.id;
        Ok(AgentsBehind::of(&mut reading, &id).await?)
    }
}
