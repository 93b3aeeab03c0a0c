//! Agents, clients of the house, and guests: three kinds that no id belongs to two of.

use writ_core::id::ClientId;

use crate::error::Result;
use crate::json::time;
use crate::registered::{ListedAgent, ListedClient, PersonState};
use crate::store::DatabaseTransaction;

row! { ClientRow { id: String, metadata: String, stopped_at: Option<i64>, created_at: i64 } }

row! { BehindRow {
    owner: Option<String>,
    owner_disabled_at: Option<i64>,
    owner_removed_at: Option<i64>,
    sponsor: Option<String>,
    sponsor_disabled_at: Option<i64>,
    sponsor_removed_at: Option<i64>,
} }

joined! { AgentRow { client: ClientRow, behind: BehindRow } }

macro_rules! agents {
    ($which:literal) => {
        concat!(
            "SELECT c.id, c.metadata, c.stopped_at, c.created_at,
                o.id AS owner, o.disabled_at AS owner_disabled_at, o.removed_at AS owner_removed_at,
                s.id AS sponsor, s.disabled_at AS sponsor_disabled_at, s.removed_at AS sponsor_removed_at
            FROM agents a
            JOIN clients c ON c.tenant = a.tenant AND c.id = a.client_id
            LEFT JOIN users o ON o.tenant = a.tenant AND o.id = a.owner_id
            LEFT JOIN users s ON s.tenant = a.tenant AND s.id = a.sponsor_id
            WHERE a.tenant = $1 AND c.removed_at IS NULL AND ",
            $which
        )
    };
}

const AGENTS: &str = agents!("a.client_id > $2 ORDER BY a.client_id LIMIT $3");
const AGENT: &str = agents!("a.client_id = $2");

macro_rules! clients {
    ($which:literal) => {
        concat!(
            "SELECT c.id, c.metadata, c.stopped_at, c.created_at FROM clients c
            WHERE c.tenant = $1 AND c.removed_at IS NULL AND ",
            $which
        )
    };
}

/// The partial indexes `clients_house` and `clients_guests` have these conditions.
const HOUSE: &str = clients!(
    "c.id > $2 AND substr(c.id, 1, 8) <> 'https://' AND substr(c.id, 1, 4) <> 'dyn_'
    AND substr(c.id, 1, 4) <> 'agt_' ORDER BY c.id LIMIT $3"
);
const GUESTS: &str = clients!(
    "c.id > $2 AND (substr(c.id, 1, 8) = 'https://' OR substr(c.id, 1, 4) = 'dyn_')
    ORDER BY c.id LIMIT $3"
);
const HOUSE_CLIENT: &str = clients!(
    "c.id = $2 AND substr(c.id, 1, 8) <> 'https://' AND substr(c.id, 1, 4) <> 'dyn_'
    AND substr(c.id, 1, 4) <> 'agt_'"
);
const GUEST: &str =
    clients!("c.id = $2 AND (substr(c.id, 1, 8) = 'https://' OR substr(c.id, 1, 4) = 'dyn_')");

const PLAIN: &str = "
    SELECT c.id, c.metadata, c.stopped_at, c.created_at FROM clients c
    LEFT JOIN agents a ON a.tenant = c.tenant AND a.client_id = c.id
    WHERE c.tenant = $1 AND c.id > $2 AND c.removed_at IS NULL AND a.client_id IS NULL
    ORDER BY c.id LIMIT $3";

impl DatabaseTransaction {
    /// Agents after this id, in the order of their ids.
    pub async fn agents_after(&mut self, id: &str, most: u32) -> Result<Vec<ListedAgent>> {
        let rows = all!(self, AgentRow, AGENTS, &self.tenant, id, i64::from(most))?;
        Ok(rows.into_iter().map(AgentRow::read).collect())
    }

    pub async fn listed_agent(&mut self, id: &ClientId) -> Result<Option<ListedAgent>> {
        let row = optional!(self, AgentRow, AGENT, &self.tenant, id.as_str())?;
        Ok(row.map(AgentRow::read))
    }

    /// The same of clients that are no agents, guests too.
    pub async fn clients_after(&mut self, id: &str, most: u32) -> Result<Vec<ListedClient>> {
        self.list_clients(PLAIN, id, most).await
    }

    /// Neither agents nor guests.
    pub async fn house_clients_after(&mut self, id: &str, most: u32) -> Result<Vec<ListedClient>> {
        self.list_clients(HOUSE, id, most).await
    }

    /// Clients that came with a document, or registered themselves.
    pub async fn guests_after(&mut self, id: &str, most: u32) -> Result<Vec<ListedClient>> {
        self.list_clients(GUESTS, id, most).await
    }

    async fn list_clients(
        &mut self,
        sql: &'static str,
        id: &str,
        most: u32,
    ) -> Result<Vec<ListedClient>> {
        let rows = all!(self, ClientRow, sql, &self.tenant, id, i64::from(most))?;
        Ok(rows.into_iter().map(ClientRow::read).collect())
    }

    pub async fn listed_house_client(&mut self, id: &ClientId) -> Result<Option<ListedClient>> {
        let row = optional!(self, ClientRow, HOUSE_CLIENT, &self.tenant, id.as_str())?;
        Ok(row.map(ClientRow::read))
    }

    pub async fn listed_guest(&mut self, id: &ClientId) -> Result<Option<ListedClient>> {
        let row = optional!(self, ClientRow, GUEST, &self.tenant, id.as_str())?;
        Ok(row.map(ClientRow::read))
    }
}

impl AgentRow {
    fn read(self) -> ListedAgent {
        let row = self.behind;
        let state = |id: Option<String>, disabled: Option<i64>, removed: Option<i64>| {
            PersonState::new(id.is_some(), disabled.is_some(), removed.is_some())
        };
        ListedAgent {
            client: self.client.read(),
            owner: state(row.owner, row.owner_disabled_at, row.owner_removed_at),
            sponsor: state(row.sponsor, row.sponsor_disabled_at, row.sponsor_removed_at),
        }
    }
}

impl ClientRow {
    fn read(self) -> ListedClient {
        ListedClient {
            id: ClientId::from_text(self.id),
            metadata: self.metadata,
            stopped: self.stopped_at.is_some(),
            created_at: time(self.created_at),
        }
    }
}
