//! Stores in memory, for one process. Both are bounded: when one is full, requests are rejected, because forgetting an unexpired entry
//! would allow a replay.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use writ_authority::{Decimal, Usage, spend};
use writ_platform::BoxFuture;
use writ_wire::time::Timestamp;

use crate::stores::{ReplayStore, SpendClaim, SpendStore, StoreUnavailable};

/// Proofs accepted within about five minutes: 1,600 a second.
pub const MAX_REMEMBERED_PROOFS: usize = 500_000;
/// Objects of tasks that are still open.
pub const MAX_REMEMBERED_SPENDS: usize = 100_000;

/// Accepted proofs.
pub struct MemoryReplays {
    limit: usize,
    proofs: Mutex<Proofs>,
}

#[derive(Default)]
struct Proofs {
    known: HashSet<Arc<str>>,
    by_end: BTreeSet<(Timestamp, Arc<str>)>,
}

impl Default for MemoryReplays {
    fn default() -> Self {
        Self::with_limit(MAX_REMEMBERED_PROOFS)
    }
}

impl MemoryReplays {
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            proofs: Mutex::default(),
        }
    }

    fn claim_now(
        &self,
        digest: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreUnavailable> {
        let mut proofs = locked(&self.proofs);
        proofs.forget_before(now);
        if proofs.known.contains(digest) {
            return Ok(false);
        }
        if proofs.known.len() >= self.limit {
            return Err(full("proofs", self.limit));
        }
        let digest: Arc<str> = digest.into();
        proofs.by_end.insert((until, Arc::clone(&digest)));
        Ok(proofs.known.insert(digest))
    }
}

impl Proofs {
    /// Removes a few expired entries: more than one call adds, so that they never pile up.
    fn forget_before(&mut self, now: Timestamp) {
        for _ in 0..MAX_FORGOTTEN_AT_ONCE {
            match self.by_end.pop_first() {
                Some((until, digest)) if until < now => {
                    self.known.remove(&digest);
                }
                Some(live) => {
                    self.by_end.insert(live);
                    return;
                }
                None => return,
            }
        }
    }
}

impl ReplayStore for MemoryReplays {
    fn claim<'a>(
        &'a self,
        digest: &'a str,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let claimed = self.claim_now(digest, until, now);
        Box::pin(std::future::ready(claimed))
    }
}

/// Used objects, until their task ends.
pub struct MemorySpends {
    limit: usize,
    used: Mutex<HashMap<Key, Used>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    issuer: String,
    task: String,
    reference: String,
}

#[derive(Clone)]
struct Used {
    /// By pointer of the budget.
    spent: BTreeMap<String, Decimal>,
    until: Timestamp,
}

impl Default for MemorySpends {
    fn default() -> Self {
        Self::with_limit(MAX_REMEMBERED_SPENDS)
    }
}

impl MemorySpends {
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            used: Mutex::default(),
        }
    }

    fn spend_now(&self, wanted: &SpendClaim, now: Timestamp) -> Result<bool, StoreUnavailable> {
        let mut used = locked(&self.used);
        let key = Key {
            issuer: wanted.issuer.clone(),
            task: wanted.task.clone(),
            reference: wanted.reference.clone(),
        };
        let before = used.get(&key).cloned();
        let is_new = before.is_none();
        if !is_new && wanted.usage == Usage::Once {
            return Ok(false);
        }
        let mut after = before.unwrap_or_else(|| Used {
            spent: BTreeMap::new(),
            until: wanted.until,
        });
        for amount in &wanted.amounts {
            let spent = after.spent.entry(amount.pointer.clone()).or_default();
            match add(*spent, amount) {
                Some(sum) => *spent = sum,
                None => return Ok(false),
            }
        }
        after.until = after.until.max(wanted.until);
        if is_new && used.len() >= self.limit {
            used.retain(|_, one| one.until >= now);
            if used.len() >= self.limit {
                return Err(full("used objects", self.limit));
            }
        }
        used.insert(key, after);
        Ok(true)
    }
}

impl SpendStore for MemorySpends {
    fn spend<'a>(
        &'a self,
        spend: &'a SpendClaim,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let spent = self.spend_now(spend, now);
        Box::pin(std::future::ready(spent))
    }
}

/// `spent` and `amount` together, if the budget allows it.
fn add(spent: Decimal, amount: &writ_authority::BudgetSpend) -> Option<Decimal> {
    let left = spend(amount.budget, spent).ok()?;
    let left = spend(left, amount.amount).ok()?;
    spend(amount.budget, left).ok()
}

fn full(what: &str, limit: usize) -> StoreUnavailable {
    StoreUnavailable(format!(
        "the memory holds {limit} {what}, which is its limit"
    ))
}

/// A poisoned mutex is used all the same: each change is one insert or one removal.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MAX_FORGOTTEN_AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_call_forgets_a_few_and_more_than_it_adds() {
        const MANY: usize = 3 * MAX_FORGOTTEN_AT_ONCE;
        let store = MemoryReplays::with_limit(MANY);
        let kept = || locked(&store.proofs).known.len();
        let now = Timestamp::from_seconds(1_790_000_000);
        for place in 0..MANY {
            assert_eq!(store.claim_now(&place.to_string(), now, now), Ok(true));
        }
        let later = now.plus(Duration::from_secs(1));
        for (call, left) in [
            (1, 2 * MAX_FORGOTTEN_AT_ONCE + 1),
            (2, MAX_FORGOTTEN_AT_ONCE + 2),
            (3, 3),
            (4, 4),
        ] {
            let digest = format!("later {call}");
            assert_eq!(store.claim_now(&digest, later, later), Ok(true));
            assert_eq!(kept(), left, "{call}");
        }
    }
}
