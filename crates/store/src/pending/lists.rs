//! Lists of pending requests for the background work, for a person's pages and for long polls; and counts of prompts for the rate
//! limits per person, per agent and per pair of both.

use writ_authority::Authority;
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pending::{PendingRequest, State};
use writ_wire::time::Timestamp;

use super::ending::{of_nobody, said_no};
use super::{PendingRow, asked_again, open, pending_columns, state};
use crate::error::{Result, StoreError};
use crate::json::time;
use crate::store::DatabaseTransaction;

/// A request that changed, with its new state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    pub id: ApprovalId,
    pub state: State,
    pub at: Timestamp,
}

/// How many prompts an agent made, and how many of them for this person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptCounts {
    pub agent: u64,
    pub pair: u64,
    /// Of the pair, undecided now.
    pub open: u64,
    /// Of the pair, since the last one that was approved.
    pub denials: u64,
    pub last_denied_at: Option<Timestamp>,
}

/// What a person said no to, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct DeniedQuestion {
    pub authority: Authority,
    pub at: Timestamp,
}

/// The most denials that are compared with a question: each makes the next pause longer, so that there are never many.
pub(crate) const MOST_DENIED: i64 = 64;

row! { PersonRow { user_id: String } }

row! { ChangeRow { id: String, state: String, changed_at: i64 } }

row! { AskedRow { asked: i64 } }

row! { DeniedRow { asked: String, denied_at: i64 } }

row! { PromptsRow {
    agent: i64,
    pair: i64,
    open: i64,
    denials: i64,
    last_denied_at: Option<i64>,
} }

const OVERDUE: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND state IN ('pending', 'viewed', 'approved') AND expires_at <= $2
    ORDER BY expires_at, id LIMIT $3"
);

const ESCALATING: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND stage_ends_at <= $2 AND expires_at > $2 AND ",
    open!(),
    " ORDER BY stage_ends_at, id LIMIT $3"
);

/// `+` keeps SQLite from reading all that wait for anybody, as it may where it was told how many rows there are.
const INBOX: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND id IN
            (SELECT request_id FROM pending_approvers WHERE tenant = $1 AND user_id = $2)
        AND +expires_at > $3 AND ",
    open!(),
    " ORDER BY expires_at, id LIMIT $4"
);

const UNFETCHED: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND state = 'approved' AND expires_at > $3
    ORDER BY expires_at, id LIMIT $4"
);

/// The newest of each list are enough for the newest of both. A question is one, however often it was asked.
const ACTIVITY: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND id IN (
        SELECT a.request_id FROM
            (SELECT request_id FROM pending_approvers WHERE tenant = $1 AND user_id = $2
            ORDER BY created_at DESC, request_id DESC LIMIT $3) a
        UNION ALL SELECT s.id FROM
            (SELECT id FROM pending_requests WHERE tenant = $1 AND subject = $2
            ORDER BY created_at DESC, id DESC LIMIT $3) s)
    AND NOT ",
    asked_again!(),
    " ORDER BY created_at DESC, id DESC LIMIT $3"
);

const CHANGED: &str = "
    SELECT id, state, changed_at FROM pending_requests
    WHERE tenant = $1 AND changed_at >= $2 AND (changed_at > $2 OR id > $3)
    ORDER BY changed_at, id LIMIT $4";

/// Whoever may decide about them, or is their subject, in pages by id.
const PEOPLE_OF_CHANGED: &str = "
    SELECT a.user_id FROM pending_approvers a
        JOIN pending_requests r ON r.tenant = a.tenant AND r.id = a.request_id
    WHERE r.tenant = $1 AND r.changed_at >= $2 AND a.user_id > $3
    UNION SELECT r.subject AS user_id FROM pending_requests r
    WHERE r.tenant = $1 AND r.changed_at >= $2 AND r.subject > $3
    ORDER BY 1 LIMIT $4";

macro_rules! denied_to_client {
    () => {
        concat!(
            "tenant = $1 AND subject = $2 AND client_id = $3 AND ",
            said_no!(""),
            " AND decided_at >= $4 AND decided_at > COALESCE(
                (SELECT MAX(y.decided_at) FROM pending_requests y
                WHERE y.tenant = $1 AND y.subject = $2 AND y.client_id = $3 AND NOT ",
            said_no!("y."),
            "), 0)"
        )
    };
}

/// $2 person, $3 agent, $4 since, $5 now. Each copy of a question counts: repeating it is asking. A device's code that nobody typed asked nobody.
const PROMPTS: &str = concat!(
    "SELECT
        (SELECT COUNT(*) FROM pending_requests
            WHERE tenant = $1 AND client_id = $3 AND subject IS NOT NULL AND created_at >= $4) AS agent,
        (SELECT COUNT(*) FROM pending_requests
            WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND created_at >= $4) AS pair,
        (SELECT COUNT(*) FROM pending_requests
            WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND expires_at > $5 AND ",
    open!(),
    ") AS open, d.denials, d.last_denied_at
    FROM (SELECT COUNT(*) AS denials, MAX(decided_at) AS last_denied_at FROM pending_requests
        WHERE ",
    denied_to_client!(),
    ") d"
);

/// $2 person, $3 agent, $4 since, $5 most.
const DENIED: &str = concat!(
    "SELECT asked, decided_at AS denied_at FROM pending_requests WHERE ",
    denied_to_client!(),
    " ORDER BY decided_at DESC, id LIMIT $5"
);

/// By person of this request, whom SQLite is told to begin with: the others in which their turn has come, before they ended.
const ASKED_MOST: &str = "
    SELECT COALESCE(MAX(c.asked), 0) AS asked FROM (
        SELECT COUNT(*) AS asked
        FROM pending_approvers p CROSS JOIN pending_approvers a CROSS JOIN pending_requests r
        WHERE p.tenant = $1 AND p.request_id = $2
            AND a.tenant = p.tenant AND a.user_id = p.user_id
            AND a.created_at >= $3 AND a.created_at <= $4 AND a.request_id <> p.request_id
            AND r.tenant = a.tenant AND r.id = a.request_id
            AND (r.state IN ('pending', 'viewed')
                OR COALESCE(r.decided_at, r.changed_at) >= a.created_at)
        GROUP BY p.user_id
    ) c";

impl DatabaseTransaction {
    /// Expired, and their state does not say so yet: for the background work, which ends them one by one. The oldest first.
    pub async fn overdue_pending(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (now, limit) = (now.micros(), i64::from(limit));
        read(all!(self, PendingRow, OVERDUE, &self.tenant, now, limit)?)
    }

    /// Nobody of this stage decided in its share of the wait.
    pub async fn escalating_pending(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (now, limit) = (now.micros(), i64::from(limit));
        read(all!(
            self,
            PendingRow,
            ESCALATING,
            &self.tenant,
            now,
            limit
        )?)
    }

    /// What this person denied to this agent since then and since the last approval, the newest first.
    pub async fn denied_questions(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        since: Timestamp,
    ) -> Result<Vec<DeniedQuestion>> {
        let (subject, client, since) = (subject.as_str(), client.as_str(), since.micros());
        let [stopped, reported] = of_nobody()?;
        let rows = all!(
            self,
            DeniedRow,
            DENIED,
            &self.tenant,
            subject,
            client,
            since,
            MOST_DENIED,
            stopped,
            reported
        )?;
        rows.into_iter().map(DeniedRow::read).collect()
    }

    /// Approved by this person, and not yet redeemed for a token.
    pub async fn unfetched(
        &mut self,
        subject: &UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (subject, now, limit) = (subject.as_str(), now.micros(), i64::from(limit));
        read(all!(
            self,
            PendingRow,
            UNFETCHED,
            &self.tenant,
            subject,
            now,
            limit
        )?)
    }

    /// Undecided, of which this person is an approver in any stage, come or not; the first to expire first.
    pub async fn inbox(
        &mut self,
        user: &UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (user, now, limit) = (user.as_str(), now.micros(), i64::from(limit));
        read(all!(
            self,
            PendingRow,
            INBOX,
            &self.tenant,
            user,
            now,
            limit
        )?)
    }

    /// All of this person, as approver or subject, the newest first; until they are swept.
    pub async fn activity(&mut self, user: &UserId, limit: u32) -> Result<Vec<PendingRequest>> {
        let (user, limit) = (user.as_str(), i64::from(limit));
        read(all!(self, PendingRow, ACTIVITY, &self.tenant, user, limit)?)
    }

    /// In the order in which they happened, of those at `since` the ones after that id. A commit may come later than the time in its rows: ask with some overlap.
    pub async fn changed_pending(
        &mut self,
        since: Timestamp,
        after: Option<&ApprovalId>,
        limit: u32,
    ) -> Result<Vec<StateChange>> {
        let (since, limit) = (since.micros(), i64::from(limit));
        let after = after.map_or("", ApprovalId::as_str);
        let rows = all!(self, ChangeRow, CHANGED, &self.tenant, since, after, limit)?;
        rows.into_iter().map(ChangeRow::read).collect()
    }

    /// Who is concerned by what changed, in the order of their ids: for those who watch their inbox.
    pub async fn people_of_changed(
        &mut self,
        since: Timestamp,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>> {
        let rows = all!(
            self,
            PersonRow,
            PEOPLE_OF_CHANGED,
            &self.tenant,
            since.micros(),
            after.map_or("", UserId::as_str),
            i64::from(limit)
        )?;
        let people = rows.into_iter().map(|row| UserId::from_text(row.user_id));
        Ok(people.collect())
    }

    /// Since that time, at most as long ago as rows are kept (`sweep::KEPT_AFTER_EXPIRY`). One statement.
    pub async fn prompts(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<PromptCounts> {
        let [stopped, reported] = of_nobody()?;
        let row = optional!(
            self,
            PromptsRow,
            PROMPTS,
            &self.tenant,
            subject.as_str(),
            client.as_str(),
            since.micros(),
            now.micros(),
            stopped,
            reported
        )?;
        row.map_or(Ok(PromptCounts::default()), PromptsRow::read)
    }

    /// How often the most asked of this request's people was asked since then, but for this request, whoever asked and about
    /// whomever. After it was written.
    pub async fn prompts_of_people(
        &mut self,
        id: &ApprovalId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<u64> {
        let (since, now) = (since.micros(), now.micros());
        let row = optional!(
            self,
            AskedRow,
            ASKED_MOST,
            &self.tenant,
            id.as_str(),
            since,
            now
        )?;
        let asked = row.map_or(0, |row| row.asked);
        u64::try_from(asked).map_err(|_| StoreError::corrupt("`pending_approvers`: a count"))
    }
}

fn read(rows: Vec<PendingRow>) -> Result<Vec<PendingRequest>> {
    rows.into_iter().map(PendingRow::read).collect()
}

impl ChangeRow {
    fn read(self) -> Result<StateChange> {
        Ok(StateChange {
            id: ApprovalId::from_text(self.id),
            state: state(&self.state)?,
            at: time(self.changed_at),
        })
    }
}

pub(super) fn count(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| StoreError::corrupt("`pending_requests`: a count"))
}

impl PromptsRow {
    fn read(self) -> Result<PromptCounts> {
        Ok(PromptCounts {
            agent: count(self.agent)?,
            pair: count(self.pair)?,
            open: count(self.open)?,
            denials: count(self.denials)?,
            last_denied_at: self.last_denied_at.map(time),
        })
    }
}
