//! State transitions of a pending request, one conditional `UPDATE` each: of concurrent callers one is told `true`. A request that
//! has ended has no next stage of escalation.

use std::collections::BTreeSet;

use writ_core::access_request::APPROVED_FOR;
use writ_core::id::{ApprovalId, UserId};
use writ_core::pending::{
    Asked, Decision, MAX_APPROVERS, MAX_STAGES, PendingRequest, RedeemedFor, Vote,
};
use writ_wire::time::Timestamp;

use super::{ASKED, DECISION, NOT_ASKED_YET, number, open, stage_ends_at};
use crate::error::Result;
use crate::json;
use crate::store::DatabaseTransaction;

const VOTE: &str = "`pending_votes.vote`";

row! { VoteRow { vote: String } }

row! { VotedRow { request_id: String } }

const VIEW: &str = "
    UPDATE pending_requests SET state = 'viewed', viewed_at = $3, changed_at = $3
    WHERE tenant = $1 AND id = $2 AND state = 'pending' AND expires_at > $3";

/// The first stage ends after its share of the whole wait, rounded up as `stage_ends_at` does.
const TAKE: &str = concat!(
    "UPDATE pending_requests SET subject = $4, asked = $5, changed_at = $3,
        stage_ends_at = CASE WHEN CAST($6 AS BIGINT) > 1
            THEN created_at + (expires_at - created_at + CAST($6 AS BIGINT) - 1) / CAST($6 AS BIGINT) END
    WHERE tenant = $1 AND id = $2 AND kind = 'device' AND subject IS NULL AND expires_at > $3 AND ",
    open!()
);

const FORGET_APPROVERS: &str =
    "DELETE FROM pending_approvers WHERE tenant = $1 AND request_id = $2";

/// Locks the row until the commit, so that of two people who agree at once the second sees the first one's vote.
const HOLD: &str = concat!(
    "UPDATE pending_requests SET changed_at = $3
    WHERE tenant = $1 AND id = $2 AND expires_at > $3 AND ",
    open!()
);

const INSERT_VOTE: &str = concat!(
    "INSERT INTO pending_votes (tenant, request_id, user_id, vote, voted_at)
    SELECT tenant, id, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT) FROM pending_requests
    WHERE tenant = $1 AND id = $2 AND expires_at > $6 AND ",
    open!(),
    " ON CONFLICT DO NOTHING"
);

const VOTES: &str = "
    SELECT vote FROM pending_votes WHERE tenant = $1 AND request_id = $2
    ORDER BY voted_at, user_id LIMIT $3";

macro_rules! voted {
    ($ids:literal) => {
        concat!(
            "SELECT v.request_id FROM (",
            $ids,
            ") n CROSS JOIN pending_votes v
            WHERE v.tenant = $tenant AND v.request_id = n.id AND v.user_id = $user"
        )
    };
}
const VOTED_ON_SQLITE: &str = voted!("SELECT value AS id FROM json_each($ids)");
const VOTED_ON_POSTGRES: &str = voted!("SELECT json_array_elements_text(CAST($ids AS json)) AS id");

/// $6: until when an approval of one action can be used, from the yes on.
const DECIDE: &str = concat!(
    "UPDATE pending_requests SET state = $4, decision = $5, decided_at = $3, changed_at = $3,
        stage_ends_at = NULL,
        expires_at = CASE WHEN kind = 'access' AND $4 = 'approved' THEN CAST($6 AS BIGINT) ELSE expires_at END
    WHERE tenant = $1 AND id = $2 AND expires_at > $3 AND ",
    open!()
);

const REDEEM: &str = "
    UPDATE pending_requests SET state = 'redeemed', delegation_id = $4, decision_id = $5,
        redeemed_at = $3, changed_at = $3
    WHERE tenant = $1 AND id = $2 AND state = 'approved' AND expires_at > $3";

const ESCALATE: &str = concat!(
    "UPDATE pending_requests SET stage = stage + 1, stage_ends_at = $5, changed_at = $3
    WHERE tenant = $1 AND id = $2 AND stage = $4 AND expires_at > $3 AND ",
    open!()
);

/// How many stages share the wait from its beginning: the others of a subject who decides first wait for their answer.
fn timed_stages(asked: &Asked) -> i64 {
    match asked.safeguards.subject_first {
        true => 1,
        false => number(asked.stages.len()),
    }
}

/// When the stage after the present one ends, which begins now; none for the last.
fn next_stage_ends_at(request: &PendingRequest, now: Timestamp) -> Option<i64> {
    let next = request.stage + 1;
    if !request.asked.safeguards.subject_first {
        return stage_ends_at(request, next);
    }
    // Whoever is asked after the subject has a share of the time that is left.
    let left = number(request.asked.stages.len().checked_sub(next)?);
    let time = request.expires_at.micros() - now.micros();
    (left > 1).then(|| now.micros() + (time + left - 1) / left)
}

impl DatabaseTransaction {
    pub async fn view_pending(&mut self, id: &ApprovalId, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, VIEW, &self.tenant, id.as_str(), now.micros())? == 1)
    }

    /// Binds a device request to this person; who may decide it is what `asked` says now.
    pub async fn take_pending(
        &mut self,
        id: &ApprovalId,
        subject: &UserId,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<bool> {
        let taken = execute!(
            self,
            TAKE,
            &self.tenant,
            id.as_str(),
            now.micros(),
            subject.as_str(),
            json::write(asked, ASKED)?,
            timed_stages(asked),
        )?;
        if taken != 1 {
            return Ok(false);
        }
        execute!(self, FORGET_APPROVERS, &self.tenant, id.as_str())?;
        for (place, stage) in asked.stages.iter().enumerate() {
            let waits = asked.safeguards.subject_first && place > 0;
            let turn = if waits { NOT_ASKED_YET } else { now };
            self.insert_approvers(id, &stage.of, turn).await?;
        }
        Ok(true)
    }

    /// Whether it counts: the request was open, and this person had not voted. Only inside a transaction, where the caller
    /// also reads the votes and decides: until its commit nobody else votes or decides.
    pub async fn insert_vote(
        &mut self,
        id: &ApprovalId,
        vote: &Vote,
        now: Timestamp,
    ) -> Result<bool> {
        if execute!(self, HOLD, &self.tenant, id.as_str(), now.micros())? != 1 {
            return Ok(false);
        }
        let written = execute!(
            self,
            INSERT_VOTE,
            &self.tenant,
            id.as_str(),
            vote.user.as_str(),
            json::write(vote, VOTE)?,
            vote.at.micros(),
            now.micros(),
        )?;
        Ok(written == 1)
    }

    /// In the order in which they came.
    pub async fn votes(&mut self, id: &ApprovalId) -> Result<Vec<Vote>> {
        let most = number((MAX_STAGES + 1) * MAX_APPROVERS);
        let rows = all!(self, VoteRow, VOTES, &self.tenant, id.as_str(), most)?;
        rows.iter().map(|row| json::read(&row.vote, VOTE)).collect()
    }

    /// About which of these this person voted. One statement.
    pub async fn voted_among(
        &mut self,
        ids: &[&str],
        user: &UserId,
    ) -> Result<BTreeSet<ApprovalId>> {
        let rows = all_by_name!(self, VotedRow, (VOTED_ON_SQLITE, VOTED_ON_POSTGRES), {
            tenant: &self.tenant,
            ids: json::write(&ids, "a list of ids")?,
            user: user.as_str(),
        })?;
        let ids = rows
            .into_iter()
            .map(|row| ApprovalId::from_text(row.request_id));
        Ok(ids.collect())
    }

    /// Approved or denied as the decision says, by whoever comes first; never after its end.
    pub async fn decide_pending(
        &mut self,
        id: &ApprovalId,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<bool> {
        let decided = execute!(
            self,
            DECIDE,
            &self.tenant,
            id.as_str(),
            now.micros(),
            decision.state().as_str(),
            json::write(decision, DECISION)?,
            now.plus(APPROVED_FOR).micros(),
        )? == 1;
        if decided && decision.is_approval() {
            self.allow_client_of(id, now).await?;
        }
        Ok(decided)
    }

    /// In the transaction that inserts what it is used for: one approval is redeemed for one delegation, or permits one action.
    pub async fn redeem_pending(
        &mut self,
        id: &ApprovalId,
        redeemed_for: impl Into<RedeemedFor>,
        now: Timestamp,
    ) -> Result<bool> {
        let redeemed_for = redeemed_for.into();
        let (delegation, decision) = match &redeemed_for {
            RedeemedFor::Delegation(id) => (Some(id.as_str()), None),
            RedeemedFor::Decision(id) => (None, Some(id.as_str())),
        };
        let redeemed = execute!(
            self,
            REDEEM,
            &self.tenant,
            id.as_str(),
            now.micros(),
            delegation,
            decision
        )?;
        Ok(redeemed == 1)
    }

    /// From the stage in which this request was found to the next one, whose people are asked now.
    pub async fn escalate_pending(
        &mut self,
        request: &PendingRequest,
        now: Timestamp,
    ) -> Result<bool> {
        let escalated = execute!(
            self,
            ESCALATE,
            &self.tenant,
            request.id.as_str(),
            now.micros(),
            number(request.stage),
            next_stage_ends_at(request, now),
        )?;
        if escalated != 1 {
            return Ok(false);
        }
        if let Some(next) = request.asked.stages.get(request.stage + 1) {
            self.insert_approvers(&request.id, &next.of, now).await?;
        }
        Ok(true)
    }
}
