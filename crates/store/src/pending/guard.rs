//! One question after the other to one person and by one client: whoever counts prompts takes their rows first, so that two
//! nodes never both find room for the last one (promise 10). Nothing of it is read; the counts are in `lists.rs`.

use std::collections::BTreeSet;

use writ_core::id::{ClientId, UserId};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::Session;

// INVARIANT: people before clients, people by their ids, and one client: so nobody who holds a client's row waits for anything,
// and no two transactions wait for each other. Each statement after it sees what was committed by those who had the rows before.
const GUARD: &str = "
    INSERT INTO prompt_guards (tenant, holder, asked, asked_at)
    SELECT CAST($1 AS TEXT), h.holder, 1, CAST($4 AS BIGINT) FROM (
        SELECT 1 AS place, CAST($2 AS TEXT) AS holder
        UNION ALL SELECT 2, CAST($3 AS TEXT)
    ) h
    WHERE h.holder IS NOT NULL
    ORDER BY h.place
    ON CONFLICT (tenant, holder) DO UPDATE SET asked = prompt_guards.asked + 1, asked_at = excluded.asked_at";

impl Session {
    /// Until the end of this transaction nobody else asks these people, and this client asks nobody else. Ids of people and of
    /// clients are never the same.
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
