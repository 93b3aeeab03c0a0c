//! What the token itself has for an action about which a person is asked all the same: what is left of it is used first. A yes is to one
//! action, and to no more of a budget than its screen said: what was there when the person was asked is there when it is used, or nothing
//! is taken.

use writ_authority::{BudgetSpend, Decimal, Permit, Usage, every_permit, spend};
use writ_core::access::{AskedAction, is_free};
use writ_core::access_request::UsedUp;
use writ_core::task::Task;
use writ_store::access::{ObjectUse, Taken};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::access::DecisionReason;
use writ_wire::rar::Detail;
use writ_wire::time::Timestamp;

use super::question::{AccessQuestion, JudgedQuestion};

/// The objects of the token that cover the action, in the order in which they are tried.
pub struct OwnObjects<'a> {
    permits: Vec<Permit>,
    task: Option<&'a Task>,
}

impl<'a> OwnObjects<'a> {
    pub fn of(question: &AccessQuestion, judged: &'a JudgedQuestion<'_>) -> Self {
        Self {
            permits: covering(question, judged),
            task: judged.lineage.as_ref().map(|lineage| &lineage.task),
        }
    }

    fn uses(&self) -> impl Iterator<Item = (&Permit, ObjectUse<'_>)> {
        let permits = self.permits.iter();
        let task = self.task;
        permits.filter_map(move |permit| Some((permit, object_use(permit, task?))))
    }

    /// Nobody else takes from their budgets until the commit.
    pub async fn hold(&self, transaction: &mut DatabaseTransaction) -> Result<(), StoreError> {
        for (_, wanted) in self.uses() {
            transaction.hold(wanted).await?;
        }
        Ok(())
    }

    /// Why none of them suffices; `None` also where there are none. Changes nothing.
    pub async fn used_up(
        &self,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Option<UsedUp>, StoreError> {
        let mut used_up = None;
        for (permit, wanted) in self.uses() {
            if is_free(permit) {
                return Ok(None);
            }
            match transaction.could_take(wanted).await? {
                Taken::All => return Ok(None),
                Taken::Used => used_up = used_up.or(Some(UsedUp::Once)),
                Taken::Exceeded => used_up = short_of(transaction, wanted).await?.or(used_up),
            }
        }
        Ok(used_up)
    }

    /// Takes what the first one has left; `None` if none has.
    pub async fn take(
        &self,
        transaction: &mut DatabaseTransaction,
        now: Timestamp,
    ) -> Result<Option<&Permit>, StoreError> {
        for (permit, wanted) in self.uses() {
            if is_free(permit) || transaction.take(wanted, now).await? == Taken::All {
                return Ok(Some(permit));
            }
        }
        Ok(None)
    }
}

/// What one use of the object takes.
pub fn object_use<'a>(permit: &'a Permit, task: &'a Task) -> ObjectUse<'a> {
    ObjectUse {
        task: &task.id,
        reference: &permit.reference,
        once: permit.usage == Usage::Once,
        spends: &permit.spends,
        until: task.expires_at,
    }
}

/// As what it is denied where nobody agreed to it.
pub const fn reason(used_up: &UsedUp) -> DecisionReason {
    match used_up {
        UsedUp::Once => DecisionReason::Used,
        UsedUp::Budget { .. } => DecisionReason::BudgetExceeded,
    }
}

/// The first budget that has less than it takes.
async fn short_of(
    transaction: &mut DatabaseTransaction,
    wanted: ObjectUse<'_>,
) -> Result<Option<UsedUp>, StoreError> {
    for one in wanted.spends {
        let before = transaction.spent_so_far(wanted, &one.pointer).await?;
        if let Some(short) = short(one, before) {
            return Ok(Some(short));
        }
    }
    Ok(None)
}

fn short(one: &BudgetSpend, before: Decimal) -> Option<UsedUp> {
    let left = spend(one.budget, before).unwrap_or(Decimal::ZERO);
    spend(left, one.amount).is_err().then(|| UsedUp::Budget {
        pointer: one.pointer.clone(),
        left: left.to_string(),
        budget: one.budget.to_string(),
    })
}

fn covering(question: &AccessQuestion, judged: &JudgedQuestion<'_>) -> Vec<Permit> {
    let (Some(AskedAction::Object(object)), Some(token)) = (&judged.object, &question.token) else {
        return Vec::new();
    };
    let here = token.claims.aud.as_str();
    let granted = token.claims.authorization_details.iter();
    let granted: Vec<Detail> = granted
        .filter(|detail| detail.locations().contains(&here))
        .cloned()
        .collect();
    let types = question.realm().types;
    every_permit(&granted, &object.detail, types).unwrap_or_default()
}
