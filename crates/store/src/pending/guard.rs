//! Row locks for the rate limit of prompts: a transaction that counts the prompts to a person and by a client locks the rows of
//! both first, so that two nodes never both take the last free place. The counts themselves are in `lists.rs`.

use std::collections::BTreeSet;

use writ_core::id::{ClientId, UserId};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::DatabaseTransaction;

// INVARIANT: lock order against deadlocks: people by their ids, then one client. Each statement after it sees what was committed by
// the transactions that had the locks before.
const GUARD: &str = "
    INSERT INTO prompt_guards (tenant, holder, asked, asked_at)
    SELECT CAST($1 AS TEXT), h.holder, 1, CAST($4 AS BIGINT) FROM (
        SELECT 1 AS place, CAST($2 AS TEXT) AS holder
        UNION ALL SELECT 2, CAST($3 AS TEXT)
    ) h
    WHERE h.holder IS NOT NULL
    ORDER BY h.place
    ON CONFLICT (tenant, holder) DO UPDATE SET asked = prompt_guards.asked + 1, asked_at = excluded.asked_at";

impl DatabaseTransaction {
    /// Locks these people and this client until the end of this transaction. Ids of people and of clients are never equal.
    pub async fn guard_prompts_to(
        &mut self,
        people: &BTreeSet<&UserId>,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<()> {
        let last = people.last().copied();
        for person in people
            .iter()
            .copied()
            .filter(|person| Some(*person) != last)
        {
            self.guard(Some(person), None, now).await?;
        }
        self.guard(last, Some(client), now).await
    }

    /// As `guard_prompts_to`, of at most one person.
    pub async fn guard_prompts(
        &mut self,
        subject: Option<&UserId>,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<()> {
        self.guard(subject, Some(client), now).await
    }

    /// Locks this person alone: before the first row of whatever ends several requests about them, or what they are for. Each of those finds
    /// its rows in an order of its own.
    pub async fn guard_person(&mut self, person: &UserId, now: Timestamp) -> Result<()> {
        self.guard(Some(person), None, now).await
    }

    async fn guard(
        &mut self,
        person: Option<&UserId>,
        client: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<()> {
        let (person, client) = (person.map(UserId::as_str), client.map(ClientId::as_str));
        execute!(self, GUARD, &self.tenant, person, client, now.micros())?;
        Ok(())
    }
}
