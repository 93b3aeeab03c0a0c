//! Copies of rows, made by the database itself.

use crate::Outcome;
use crate::database::TemporaryDatabase;
use crate::scene::OWNER;

/// How much there is.
#[derive(Clone, Copy, Default)]
pub struct RowCounts {
    /// Tasks, delegations and events of people, each so many.
    pub rows: usize,
    /// Live tasks of one person, with a delegation and an event each.
    pub of_alice: usize,
    pub resources: usize,
}

pub struct Fill<'a> {
    place: &'a TemporaryDatabase,
    has: RowCounts,
}

/// Ids of one width sort as their numbers do, and before those that the server makes.
const WIDTH: &str = "CAST(10000000000 + n.i AS TEXT)";

impl<'a> Fill<'a> {
    pub fn new(place: &'a TemporaryDatabase) -> Self {
        Self {
            place,
            has: RowCounts::default(),
        }
    }

    /// While no server runs.
    pub fn up_to(&mut self, wanted: RowCounts) -> Outcome<()> {
        let others = "'usr_' || CAST(n.i % 5000 AS TEXT)";
        self.work("00", others, (self.has.rows, wanted.rows))?;
        self.work("0a", &alice(), (self.has.of_alice, wanted.of_alice))?;
        self.resources((self.has.resources, wanted.resources))?;
        self.place.settle()?;
        self.has = wanted;
        Ok(())
    }

    /// So many events of one person, those of their tasks among them.
    pub fn events_of_alice(&self, wanted: usize) -> Outcome<()> {
        if self.has.of_alice < wanted {
            self.events("0a", &alice(), (self.has.of_alice, wanted))?;
        }
        self.place.settle()
    }

    fn work(&self, prefix: &str, subject: &str, (from, to): (usize, usize)) -> Outcome<()> {
        if from >= to {
            return Ok(());
        }
        let number = format!("'{prefix}' || {WIDTH}");
        let series = series(from, to);
        self.place.sql(&format!(
            "{series} INSERT INTO tasks (tenant, id, subject_kind, subject, client_id, purpose, authority,
                authority_version, salt, transaction_id, approval, created_at, expires_at)
            SELECT t.tenant, 'tsk_' || {number}, 'person', {subject}, t.client_id, t.purpose, t.authority,
                t.authority_version, t.salt, t.transaction_id, t.approval, t.created_at, t.expires_at
            FROM n CROSS JOIN (SELECT * FROM tasks WHERE subject_kind <> 'person' ORDER BY id LIMIT 1) t"
        ))?;
        self.place.sql(&format!(
            "{series} INSERT INTO delegations (tenant, id, task_id, path, holder, requested_by, authority,
                onward, act, jkt, created_at, expires_at)
            SELECT d.tenant, 'dlg_' || {number}, 'tsk_' || {number}, 'dlg_' || {number}, d.holder,
                d.requested_by, d.authority, d.onward, d.act, d.jkt, d.created_at, d.expires_at
            FROM n CROSS JOIN (SELECT * FROM delegations WHERE parent_id IS NULL ORDER BY id LIMIT 1) d"
        ))?;
        self.events(prefix, subject, (from, to))
    }

    /// An event of each of these tasks.
    fn events(&self, prefix: &str, subject: &str, (from, to): (usize, usize)) -> Outcome<()> {
        let (series, number) = (series(from, to), format!("'{prefix}' || {WIDTH}"));
        self.place.sql(&format!(
            "{series} INSERT INTO events (tenant, id, at, name, subject, client_id, owner, sponsor, task_id,
                delegation_id, resource, decision, data)
            SELECT e.tenant, 'evt_' || {number}, e.at, e.name, {subject}, e.client_id, e.owner, e.sponsor,
                'tsk_' || {number}, 'dlg_' || {number}, e.resource, e.decision, e.data
            FROM n CROSS JOIN
                (SELECT * FROM events WHERE name = 'token.issued' ORDER BY id LIMIT 1) e"
        ))
    }

    fn resources(&self, (from, to): (usize, usize)) -> Outcome<()> {
        if from >= to {
            return Ok(());
        }
        let (series, uri) = (
            series(from, to),
            "'https://r' || CAST(n.i AS TEXT) || '.example'",
        );
        self.place.sql(&format!(
            "{series} INSERT INTO resources (tenant, uri, document, created_at)
            SELECT 'default', {uri}, '{{\"resource\":\"' || {uri} || '\",\"name\":\"R\",\"scopes\":[\"r:'
                || CAST(n.i AS TEXT) || '\"]}}', 0 FROM n"
        ))
    }
}

fn alice() -> String {
    format!("(SELECT id FROM users WHERE name = '{OWNER}')")
}

fn series(from: usize, to: usize) -> String {
    let last = to - 1;
    format!(
        "WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
    )
}
