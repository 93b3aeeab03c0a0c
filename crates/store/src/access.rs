//! Decisions per action: each once for a key, and what it uses up in the same transaction. Whoever takes from a budget holds its row
//! until the commit, so that two who take at once see each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_authority::{BudgetSpend, Decimal, spend};
use writ_core::id::{ClientId, DecisionId, DelegationId, TaskId};
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json;
use crate::store::DatabaseTransaction;

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDecision {
    pub id: DecisionId,
    /// The client of the resource server that asked.
    pub caller: ClientId,
    pub key_digest: String,
    /// Hash of everything that was asked.
    pub asked_hash: String,
    /// As it was answered: JSON.
    pub answer: String,
    pub resource: String,
    pub action: String,
    /// The client to which the token was issued; this and the rest only of a token that was good.
    pub client: Option<ClientId>,
    pub task: Option<TaskId>,
    pub delegation: Option<DelegationId>,
    pub object_hash: Option<String>,
    /// The object: JSON.
    pub details: Option<Value>,
    pub spent: Vec<SpentAmount>,
    pub decided_at: Timestamp,
    /// Of a permit while its outcome is not known.
    pub awaited_until: Option<Timestamp>,
    pub outcome: Option<String>,
}

/// What a decision took from one budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentAmount {
    #[serde(rename = "ref")]
    pub reference: String,
    pub pointer: String,
    pub amount: String,
}

/// What one use of an object takes.
#[derive(Clone, Copy, Debug)]
pub struct ObjectUse<'a> {
    pub task: &'a TaskId,
    pub reference: &'a str,
    /// Whether the object may be used once.
    pub once: bool,
    pub spends: &'a [BudgetSpend],
    /// The end of the task: no token of it is good later.
    pub until: Timestamp,
}

/// Whether it could be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    All,
    /// The object was used before.
    Used,
    /// A budget has less.
    Exceeded,
}

row! { DecisionRow {
    id: String,
    caller: String,
    key_digest: String,
    asked_hash: String,
    answer: String,
    resource: String,
    action: String,
    client_id: Option<String>,
    task_id: Option<String>,
    delegation_id: Option<String>,
    object_hash: Option<String>,
    details: Option<String>,
    spent: Option<String>,
    decided_at: i64,
    awaited_until: Option<i64>,
    outcome: Option<String>,
} }

row! { SpentRow { spent: String } }

row! { #[expect(dead_code, reason = "that there is a row says it")] UsedRow { used_at: i64 } }

macro_rules! decision_columns {
    () => {
        "id, caller, key_digest, asked_hash, answer, resource, action, client_id, task_id, delegation_id,
        object_hash, details, spent, decided_at, awaited_until, outcome"
    };
}
pub(crate) use decision_columns;

const BY_KEY: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decisions WHERE tenant = $1 AND caller = $2 AND key_digest = $3"
);

const BY_ID: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decisions WHERE tenant = $1 AND id = $2"
);

const TAKE_BACK: &str = "
    UPDATE decisions SET answer = $3, awaited_until = NULL WHERE tenant = $1 AND id = $2";

/// A row that is awaited no more may still be told.
const REPORT: &str = "
    UPDATE decisions SET outcome = $3, outcome_at = $4, awaited_until = NULL
    WHERE tenant = $1 AND id = $2 AND outcome IS NULL";

const SILENT: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decisions WHERE tenant = $1 AND awaited_until <= $2
    ORDER BY awaited_until LIMIT $3"
);

const AWAIT_NO_MORE: &str = "
    UPDATE decisions SET awaited_until = NULL
    WHERE tenant = $1 AND id = $2 AND awaited_until <= $3";

const USE: &str = "
    INSERT INTO used_objects (tenant, task_id, ref, used_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";

const USED: &str =
    "SELECT used_at FROM used_objects WHERE tenant = $1 AND task_id = $2 AND ref = $3";

/// Makes the row or holds it until the commit, and tells what was spent before.
const HOLD: &str = "
    INSERT INTO budgets (tenant, task_id, ref, pointer, spent, expires_at)
    VALUES ($1, $2, $3, $4, '0', $5)
    ON CONFLICT (tenant, task_id, ref, pointer) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING spent";

const SPEND: &str = "
    UPDATE budgets SET spent = $5
    WHERE tenant = $1 AND task_id = $2 AND ref = $3 AND pointer = $4";

const SPENT: &str = "
    SELECT spent FROM budgets
    WHERE tenant = $1 AND task_id = $2 AND ref = $3 AND pointer = $4";

const HOLD_AGAIN: &str = "
    UPDATE budgets SET expires_at = expires_at
    WHERE tenant = $1 AND task_id = $2 AND ref = $3 AND pointer = $4
    RETURNING spent";

impl DatabaseTransaction {
    /// What this key was answered.
    pub async fn decision_of_key(
        &mut self,
        caller: &ClientId,
        key_digest: &str,
    ) -> Result<Option<AccessDecision>> {
        let caller = caller.as_str();
        let row = optional!(self, DecisionRow, BY_KEY, &self.tenant, caller, key_digest)?;
        row.map(DecisionRow::read).transpose()
    }

    pub async fn decision(&mut self, id: &DecisionId) -> Result<Option<AccessDecision>> {
        let row = optional!(self, DecisionRow, BY_ID, &self.tenant, id.as_str())?;
        row.map(DecisionRow::read).transpose()
    }

    /// The answer of a permit that was stopped while it was made.
    pub async fn take_decision_back(&mut self, id: &DecisionId, answer: &str) -> Result<()> {
        execute!(self, TAKE_BACK, &self.tenant, id.as_str(), answer)?;
        Ok(())
    }

    /// Takes all of it, or nothing of it.
    pub async fn take(&mut self, wanted: ObjectUse<'_>, now: Timestamp) -> Result<Taken> {
        let mut sums = Vec::new();
        for one in wanted.spends {
            let before = self.hold_budget(wanted, &one.pointer).await?;
            let Some(sum) = sum(before, one) else {
                return Ok(Taken::Exceeded);
            };
            sums.push((&one.pointer, sum));
        }
        if wanted.once && !self.use_object(wanted, now).await? {
            return Ok(Taken::Used);
        }
        let (task, reference) = (wanted.task.as_str(), wanted.reference);
        for (pointer, sum) in sums {
            let sum = sum.to_string();
            execute!(self, SPEND, &self.tenant, task, reference, pointer, sum)?;
        }
        Ok(Taken::All)
    }

    /// Whether it could be taken now; changes nothing.
    pub async fn could_take(&mut self, wanted: ObjectUse<'_>) -> Result<Taken> {
        for one in wanted.spends {
            let before = self.spent_so_far(wanted, &one.pointer).await?;
            if sum(before, one).is_none() {
                return Ok(Taken::Exceeded);
            }
        }
        if !wanted.once {
            return Ok(Taken::All);
        }
        let (task, reference) = (wanted.task.as_str(), wanted.reference);
        let used = optional!(self, UsedRow, USED, &self.tenant, task, reference)?;
        Ok(used.map_or(Taken::All, |_: UsedRow| Taken::Used))
    }

    /// What was taken from this budget of the object; changes nothing.
    pub async fn spent_so_far(&mut self, wanted: ObjectUse<'_>, pointer: &str) -> Result<Decimal> {
        let (task, reference) = (wanted.task.as_str(), wanted.reference);
        let row = optional!(
            self,
            SpentRow,
            SPENT,
            &self.tenant,
            task,
            reference,
            pointer
        )?;
        row.map_or(Ok(Decimal::ZERO), |row: SpentRow| row.read())
    }

    /// Nobody else takes from its budgets until the commit.
    pub async fn hold(&mut self, wanted: ObjectUse<'_>) -> Result<()> {
        for one in wanted.spends {
            self.hold_budget(wanted, &one.pointer).await?;
        }
        Ok(())
    }

    async fn hold_budget(&mut self, wanted: ObjectUse<'_>, pointer: &str) -> Result<Decimal> {
        let (task, reference) = (wanted.task.as_str(), wanted.reference);
        let until = wanted.until.micros();
        let row = optional!(
            self,
            SpentRow,
            HOLD,
            &self.tenant,
            task,
            reference,
            pointer,
            until
        )?;
        let row = row.ok_or_else(|| StoreError::corrupt(SPENT_SO_FAR))?;
        row.read()
    }

    async fn use_object(&mut self, wanted: ObjectUse<'_>, now: Timestamp) -> Result<bool> {
        let (task, reference) = (wanted.task.as_str(), wanted.reference);
        let (now, until) = (now.micros(), wanted.until.micros());
        Ok(execute!(self, USE, &self.tenant, task, reference, now, until)? == 1)
    }

    /// What was taken for an action that was not begun; the object stays used.
    pub async fn give_back(&mut self, decision: &AccessDecision) -> Result<()> {
        let Some(task) = decision.task.as_ref().map(TaskId::as_str) else {
            return Ok(());
        };
        for one in &decision.spent {
            let (reference, pointer) = (&one.reference, &one.pointer);
            let row = optional!(
                self,
                SpentRow,
                HOLD_AGAIN,
                &self.tenant,
                task,
                reference,
                pointer
            )?;
            // A row that is gone is of a task that is over.
            let Some(row) = row else { continue };
            let before = row.read()?;
            let amount = Decimal::parse(&one.amount);
            let left = amount.and_then(|amount| spend(before, amount).ok());
            let left = left.ok_or_else(|| StoreError::corrupt(SPENT_SO_FAR))?;
            let left = left.to_string();
            execute!(self, SPEND, &self.tenant, task, reference, pointer, left)?;
        }
        Ok(())
    }

    /// Whether this is the first that is told of it.
    pub async fn report_outcome(
        &mut self,
        id: &DecisionId,
        outcome: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        Ok(execute!(self, REPORT, &self.tenant, id, outcome, now)? == 1)
    }

    /// Permits of which nothing was heard in time, the oldest first.
    pub async fn silent_decisions(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccessDecision>> {
        let (now, limit) = (now.micros(), i64::from(limit));
        let rows = all!(self, DecisionRow, SILENT, &self.tenant, now, limit)?;
        rows.into_iter().map(DecisionRow::read).collect()
    }

    /// Whether it was still awaited.
    pub async fn await_no_more(&mut self, id: &DecisionId, now: Timestamp) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        Ok(execute!(self, AWAIT_NO_MORE, &self.tenant, id, now)? == 1)
    }
}

/// What is spent afterwards; `None` if that is more than the budget.
fn sum(before: Decimal, one: &BudgetSpend) -> Option<Decimal> {
    let left = spend(one.budget, before).ok()?;
    spend(left, one.amount).ok()?;
    before.plus(one.amount)
}

impl SpentRow {
    fn read(&self) -> Result<Decimal> {
        Decimal::parse(&self.spent).ok_or_else(|| StoreError::corrupt(SPENT_SO_FAR))
    }
}

impl DecisionRow {
    pub(crate) fn read(self) -> Result<AccessDecision> {
        let spent = json::read_optional(self.spent.as_deref(), SPENT_COLUMN)?;
        Ok(AccessDecision {
            id: DecisionId::from_text(self.id),
            caller: ClientId::from_text(self.caller),
            key_digest: self.key_digest,
            asked_hash: self.asked_hash,
            answer: self.answer,
            resource: self.resource,
            action: self.action,
            client: self.client_id.map(ClientId::from_text),
            task: self.task_id.map(TaskId::from_text),
            delegation: self.delegation_id.map(DelegationId::from_text),
            object_hash: self.object_hash,
            details: json::read_optional(self.details.as_deref(), DETAILS_COLUMN)?,
            spent: spent.unwrap_or_default(),
            decided_at: json::time(self.decided_at),
            awaited_until: self.awaited_until.map(json::time),
            outcome: self.outcome,
        })
    }
}

pub(crate) const DETAILS_COLUMN: &str = "`decisions.details`";
pub(crate) const SPENT_COLUMN: &str = "`decisions.spent`";
const SPENT_SO_FAR: &str = "`budgets.spent`";
