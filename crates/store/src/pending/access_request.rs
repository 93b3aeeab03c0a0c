//! What resource servers ask about one action: the question that is open already, the approval that a repeated call finds, how often
//! a resource asked a person, and until when that person wants nothing of it.

use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pending::{Asked, PendingRequest};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::ending::{of_nobody, said_no};
use super::lists::{DeniedQuestion, DeniedRow, MOST_DENIED, count};
use super::{ASKED, PendingRow, open, pending_columns};
use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

/// One question: of this person, by this client, with this hash.
#[derive(Clone, Copy, Debug)]
pub struct SameQuestion<'a> {
    pub subject: &'a UserId,
    pub client: &'a ClientId,
    pub asked_hash: &'a str,
}

/// Whose questions at which resource.
#[derive(Clone, Copy, Debug)]
pub struct OpenAtResource<'a> {
    pub subject: &'a UserId,
    pub client: &'a ClientId,
    pub resource: &'a ResourceUri,
}

/// The most open questions of one client to one person that are looked at.
pub(crate) const MOST_OPEN: i64 = 1000;

/// One call that was asked about, however its client was made to wait.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredCall<'a> {
    pub subject: &'a UserId,
    pub client: &'a ClientId,
    pub asked_hashes: [&'a str; 2],
    /// Answered after that.
    pub since: Timestamp,
}

/// A resource that a person wants to hear nothing of, because of one question that it asked for this client.
#[derive(Clone, Copy, Debug)]
pub struct ResourceSilence<'a> {
    pub subject: &'a UserId,
    pub resource: &'a ResourceUri,
    pub request: &'a ApprovalId,
    pub client: &'a ClientId,
}

/// How often a resource asked one person, whoever its callers were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourcePromptCounts {
    pub asked: u64,
    /// Undecided now.
    pub open: u64,
    /// Since the last one that was approved.
    pub denials: u64,
    pub last_denied_at: Option<Timestamp>,
    /// Until when this person wants no questions of it.
    pub silenced_until: Option<Timestamp>,
}

row! { RedeemedRow { redeemed_at: Option<i64> } }

row! { SilencedRow { silenced: i64 } }

row! { ResourcePromptsRow {
    asked: i64,
    open: i64,
    denials: i64,
    last_denied_at: Option<i64>,
    silenced_until: Option<i64>,
} }

macro_rules! same_question {
    ($condition:expr, $order:literal) => {
        concat!(
            "SELECT ",
            pending_columns!(),
            " FROM pending_requests
            WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND kind = 'access'
                AND asked_hash = $4 AND expires_at > $5 AND ",
            $condition,
            " ORDER BY created_at ",
            $order,
            ", id LIMIT 1"
        )
    };
}

const OPEN_SAME: &str = same_question!(open!(), "DESC");
const CALLED_AGAIN: &str = same_question!("state = 'approved'", "ASC");

/// $4 resource, $5 now.
const OPEN_AT_RESOURCE: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND kind = 'access' AND resource = $4
        AND expires_at > $5 AND ",
    open!(),
    " ORDER BY created_at, id LIMIT $6"
);

/// $2 now, $3 and $4 the last one before. Of the index of what has not ended.
const OPEN_QUESTIONS: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND state IN ('pending', 'viewed', 'approved') AND kind = 'access'
        AND expires_at > $2 AND expires_at >= $3 AND (expires_at > $3 OR id > $4) AND ",
    open!(),
    " ORDER BY expires_at, id LIMIT $5"
);

/// $4 and $5 the hashes, $6 since.
const LAST_ANSWER: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND kind = 'access'
        AND asked_hash IN ($4, $5) AND decided_at > $6
    ORDER BY decided_at DESC, id DESC LIMIT 1"
);

/// $2 person, $3 resource, $4 since.
macro_rules! denied_at_resource {
    () => {
        concat!(
            "tenant = $1 AND subject = $2 AND resource = $3 AND ",
            said_no!(""),
            " AND decided_at >= $4 AND decided_at > COALESCE(
                (SELECT MAX(y.decided_at) FROM pending_requests y
                WHERE y.tenant = $1 AND y.subject = $2 AND y.resource = $3 AND NOT ",
            said_no!("y."),
            "), 0)"
        )
    };
}

/// $5 now.
const PROMPTS: &str = concat!(
    "SELECT
        (SELECT COUNT(*) FROM pending_requests
            WHERE tenant = $1 AND subject = $2 AND resource = $3 AND created_at >= $4) AS asked,
        (SELECT COUNT(*) FROM pending_requests
            WHERE tenant = $1 AND subject = $2 AND resource = $3 AND expires_at > $5 AND ",
    open!(),
    ") AS open, d.denials, d.last_denied_at,
        (SELECT silenced_until FROM silenced_resources
            WHERE tenant = $1 AND subject = $2 AND resource = $3 AND silenced_until > $5) AS silenced_until
    FROM (SELECT COUNT(*) AS denials, MAX(decided_at) AS last_denied_at FROM pending_requests
        WHERE ",
    denied_at_resource!(),
    ") d"
);

const DENIED: &str = concat!(
    "SELECT asked, decided_at AS denied_at FROM pending_requests WHERE ",
    denied_at_resource!(),
    " ORDER BY decided_at DESC, id LIMIT $5"
);

const SILENCE: &str = "
    INSERT INTO silenced_resources (tenant, subject, resource, request_id, client_id, silenced_until)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant, subject, resource) DO UPDATE SET request_id = excluded.request_id,
        client_id = excluded.client_id, silenced_until = excluded.silenced_until";

/// Other resources whose questions, of the same client, this person reported. $5 now.
const SILENCED_ELSEWHERE: &str = "
    SELECT COUNT(*) AS silenced FROM silenced_resources
    WHERE tenant = $1 AND subject = $2 AND resource <> $3 AND client_id = $4 AND silenced_until > $5";

const REDEEMED_AT: &str = "SELECT redeemed_at FROM pending_requests WHERE tenant = $1 AND id = $2";

impl DatabaseTransaction {
    /// The question that waits for an answer already.
    pub async fn open_question(
        &mut self,
        same: SameQuestion<'_>,
        now: Timestamp,
    ) -> Result<Option<PendingRequest>> {
        self.same_question(OPEN_SAME, same, now).await
    }

    /// The oldest approval of this question that nobody used yet.
    pub async fn approved_question(
        &mut self,
        same: SameQuestion<'_>,
        now: Timestamp,
    ) -> Result<Option<PendingRequest>> {
        self.same_question(CALLED_AGAIN, same, now).await
    }

    /// What this client's calls of this resource ask this person now, the oldest first.
    pub async fn open_at_resource(
        &mut self,
        of: OpenAtResource<'_>,
        now: Timestamp,
    ) -> Result<Vec<PendingRequest>> {
        let rows = all!(
            self,
            PendingRow,
            OPEN_AT_RESOURCE,
            &self.tenant,
            of.subject.as_str(),
            of.client.as_str(),
            of.resource.as_str(),
            now.micros(),
            MOST_OPEN
        )?;
        rows.into_iter().map(PendingRow::read).collect()
    }

    /// What resource servers ask anybody now, after that one, those that end first first.
    pub async fn open_questions(
        &mut self,
        after: Option<&(Timestamp, ApprovalId)>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (end, id) = after.map_or((0, ""), |(end, id)| (end.micros(), id.as_str()));
        let (now, limit) = (now.micros(), i64::from(limit));
        let tenant = &self.tenant;
        let rows = all!(
            self,
            PendingRow,
            OPEN_QUESTIONS,
            tenant,
            now,
            end,
            id,
            limit
        )?;
        rows.into_iter().map(PendingRow::read).collect()
    }

    /// The question about this call to which a person said yes or no last.
    pub async fn last_answer(&mut self, call: AnsweredCall<'_>) -> Result<Option<PendingRequest>> {
        let [one, other] = call.asked_hashes;
        let row = optional!(
            self,
            PendingRow,
            LAST_ANSWER,
            &self.tenant,
            call.subject.as_str(),
            call.client.as_str(),
            one,
            other,
            call.since.micros()
        )?;
        row.map(PendingRow::read).transpose()
    }

    async fn same_question(
        &mut self,
        sql: &'static str,
        same: SameQuestion<'_>,
        now: Timestamp,
    ) -> Result<Option<PendingRequest>> {
        let row = optional!(
            self,
            PendingRow,
            sql,
            &self.tenant,
            same.subject.as_str(),
            same.client.as_str(),
            same.asked_hash,
            now.micros()
        )?;
        row.map(PendingRow::read).transpose()
    }

    /// Since that time, at most as long ago as rows are kept (`sweep::KEPT_AFTER_EXPIRY`). One statement.
    pub async fn prompts_of_resource(
        &mut self,
        subject: &UserId,
        resource: &ResourceUri,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<ResourcePromptCounts> {
        let [stopped, reported] = of_nobody()?;
        let row = optional!(
            self,
            ResourcePromptsRow,
            PROMPTS,
            &self.tenant,
            subject.as_str(),
            resource.as_str(),
            since.micros(),
            now.micros(),
            stopped,
            reported
        )?;
        row.map_or(
            Ok(ResourcePromptCounts::default()),
            ResourcePromptsRow::read,
        )
    }

    /// What this person denied to this resource since then and since the last approval, the newest first.
    pub async fn questions_denied_to_resource(
        &mut self,
        subject: &UserId,
        resource: &ResourceUri,
        since: Timestamp,
    ) -> Result<Vec<DeniedQuestion>> {
        let [stopped, reported] = of_nobody()?;
        let rows = all!(
            self,
            DeniedRow,
            DENIED,
            &self.tenant,
            subject.as_str(),
            resource.as_str(),
            since.micros(),
            MOST_DENIED,
            stopped,
            reported
        )?;
        rows.into_iter().map(DeniedRow::read).collect()
    }

    /// This resource asks this person nothing until then.
    pub async fn silence_resource(
        &mut self,
        silence: ResourceSilence<'_>,
        until: Timestamp,
    ) -> Result<()> {
        execute!(
            self,
            SILENCE,
            &self.tenant,
            silence.subject.as_str(),
            silence.resource.as_str(),
            silence.request.as_str(),
            silence.client.as_str(),
            until.micros()
        )?;
        Ok(())
    }

    /// Whether this person silenced another resource because of a question of the same client.
    pub async fn is_silenced_elsewhere(
        &mut self,
        silence: ResourceSilence<'_>,
        now: Timestamp,
    ) -> Result<bool> {
        let row = optional!(
            self,
            SilencedRow,
            SILENCED_ELSEWHERE,
            &self.tenant,
            silence.subject.as_str(),
            silence.resource.as_str(),
            silence.client.as_str(),
            now.micros()
        )?;
        Ok(row.is_some_and(|row| row.silenced > 0))
    }

    /// When an approval was used.
    pub async fn redeemed_at(&mut self, id: &ApprovalId) -> Result<Option<Timestamp>> {
        let row = optional!(self, RedeemedRow, REDEEMED_AT, &self.tenant, id.as_str())?;
        Ok(row.and_then(|row| row.redeemed_at).map(time))
    }
}

impl ResourcePromptsRow {
    fn read(self) -> Result<ResourcePromptCounts> {
        Ok(ResourcePromptCounts {
            asked: count(self.asked)?,
            open: count(self.open)?,
            denials: count(self.denials)?,
            last_denied_at: self.last_denied_at.map(time),
            silenced_until: self.silenced_until.map(time),
        })
    }
}

impl DeniedRow {
    pub(super) fn read(self) -> Result<DeniedQuestion> {
        let asked: Asked = json::read(&self.asked, ASKED)?;
        Ok(DeniedQuestion {
            authority: asked.authority,
            at: time(self.denied_at),
        })
    }
}
