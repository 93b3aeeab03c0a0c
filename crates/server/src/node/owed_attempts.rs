//! Attempts that stay counted by a fault of this server: they were counted, and then nobody judged them, or they were right and could not
//! be taken back. They are taken back before the next one of the same holder is counted by this node, and by its background work for
//! all nodes: a database that is slow or away locks nobody out.

use std::sync::{Mutex, MutexGuard, PoisonError};

use writ_store::attempts::{AttemptKind, Attempted, CountedAttempt};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::rate_limits::RateLimit;

/// Of one node. One more stays counted until it is over, as a wrong one does.
const MAX_OWED: usize = 4096;
/// Taken back in one transaction of the background work.
const AT_ONCE: usize = 256;

/// What this node has to take back.
#[derive(Default)]
pub struct OwedAttempts(Mutex<Vec<CountedAttempt>>);

impl OwedAttempts {
    fn add(&self, attempts: impl IntoIterator<Item = CountedAttempt>) {
        let mut owed = self.all();
        let room = MAX_OWED.saturating_sub(owed.len());
        owed.extend(attempts.into_iter().take(room));
    }

    /// Those of these holders.
    fn take_of(&self, holders: &[(AttemptKind, &str)]) -> Vec<CountedAttempt> {
        let mut owed = self.all();
        let is_of = |one: &mut CountedAttempt| holders.contains(&(one.kind, one.holder.as_str()));
        owed.extract_if(.., is_of).collect()
    }

    /// So many of all.
    fn take_some(&self) -> Vec<CountedAttempt> {
        let mut owed = self.all();
        let count = owed.len().min(AT_ONCE);
        owed.drain(..count).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<CountedAttempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is taken back in a transaction: owed again if that does not come to its commit.
struct TakenBack<'a> {
    owed: &'a OwedAttempts,
    taken: Vec<CountedAttempt>,
}

impl TakenBack<'_> {
    async fn within(&self, transaction: &mut DatabaseTransaction) -> Result<(), StoreError> {
        for one in &self.taken {
            transaction.forgive_attempt(one).await?;
        }
        Ok(())
    }

    /// Where it is unknown whether it was done, it is not done twice, and `in_doubt` is owed instead.
    async fn commit(
        mut self,
        transaction: DatabaseTransaction,
        in_doubt: Vec<CountedAttempt>,
    ) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut self.taken);
        let done = transaction.commit().await;
        match &done {
            Ok(()) => {}
            Err(error) if error.leaves_commit_in_doubt() => self.owed.add(in_doubt),
            Err(_) => self.taken = taken,
        }
        done
    }
}

impl Drop for TakenBack<'_> {
    fn drop(&mut self) {
        self.owed.add(std::mem::take(&mut self.taken));
    }
}

/// A transaction that counts attempts.
pub(super) struct Counting<'a> {
    pub(super) transaction: DatabaseTransaction,
    back: TakenBack<'a>,
    counted: Vec<CountedAttempt>,
}

impl Counting<'_> {
    /// Until when it is paused, where it is not counted.
    pub(super) async fn count(
        &mut self,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        match self.transaction.attempt(&limit.attempt(), now).await? {
            Attempted::PausedUntil(until) => Ok(Some(until)),
            Attempted::Counted(count) => {
                self.counted.push(counted(limit, count));
                Ok(None)
            }
        }
    }

    /// An attempt of which it is unknown whether it was counted is not looked at: if it was, it is taken back.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.back.commit(self.transaction, self.counted).await
    }
}

fn counted(limit: &RateLimit, unless_below: i64) -> CountedAttempt {
    CountedAttempt {
        kind: limit.kind,
        holder: limit.holder.clone(),
        most: limit.most,
        unless_below,
    }
}

impl App {
    pub(super) async fn begin_counting(
        &self,
        limits: impl Iterator<Item = &RateLimit>,
    ) -> Result<Counting<'_>, StoreError> {
        let holders: Vec<_> = limits.map(|limit| (limit.kind, &*limit.holder)).collect();
        let back = TakenBack {
            owed: &self.owed_attempts,
            taken: self.owed_attempts.take_of(&holders),
        };
        let mut transaction = self.begin().await?;
        back.within(&mut transaction).await?;
        Ok(Counting {
            transaction,
            back,
            counted: Vec::new(),
        })
    }

    /// Nobody judged what was counted, by a fault of ours.
    pub fn owe_attempts<'a>(&self, limits: impl IntoIterator<Item = &'a RateLimit>) {
        let owed = limits.into_iter().map(|limit| counted(limit, 1));
        self.owed_attempts.add(owed);
    }

    /// Takes back what was counted last, and of `right` what failed before it as well. What the database cannot do now is owed; where it
    /// is unknown whether it was done, nothing is.
    pub(super) async fn take_attempts_back(&self, right: Option<&RateLimit>, last: &[&RateLimit]) {
        let (error, in_doubt) = match self.prepare_taking_back(right, last).await {
            Err(error) => (error, false),
            Ok(transaction) => match transaction.commit().await {
                Ok(()) => {
                    let right = right.map(|limit| (limit.kind, &*limit.holder));
                    drop(self.owed_attempts.take_of(right.as_slice()));
                    return;
                }
                Err(error) => {
                    let in_doubt = error.leaves_commit_in_doubt();
                    (error, in_doubt)
                }
            },
        };
        self.note_outage(&error.to_string());
        if !in_doubt {
            self.owe_attempts(right.into_iter().chain(last.iter().copied()));
        }
    }

    async fn prepare_taking_back(
        &self,
        right: Option<&RateLimit>,
        last: &[&RateLimit],
    ) -> Result<DatabaseTransaction, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(limit) = right {
            transaction
                .forget_attempts(limit.kind, &limit.holder)
                .await?;
        }
        for limit in last {
            transaction.forgive_attempt(&counted(limit, 1)).await?;
        }
        Ok(transaction)
    }

    /// Some of what this node owes, for the other nodes to see.
    pub async fn take_owed_attempts_back(&self) -> Result<(), StoreError> {
        let back = TakenBack {
            owed: &self.owed_attempts,
            taken: self.owed_attempts.take_some(),
        };
        if back.taken.is_empty() {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        back.within(&mut transaction).await?;
        back.commit(transaction, Vec::new()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(holder: &str) -> CountedAttempt {
        CountedAttempt {
            kind: AttemptKind::Login,
            holder: holder.to_owned(),
            most: 5,
            unless_below: 1,
        }
    }

    #[test]
    fn what_is_owed_is_bounded() {
        let owed = OwedAttempts::default();
        owed.add((0..MAX_OWED + 1).map(|at| one(&at.to_string())));
        let last = (MAX_OWED - 1).to_string();
        let over = MAX_OWED.to_string();
        let of = |holder: &str| owed.take_of(&[(AttemptKind::Login, holder)]).len();
        assert_eq!((of(&over), of(&last), of(&last)), (0, 1, 0));
        let mut rounds = 0;
        while !owed.take_some().is_empty() {
            rounds += 1;
        }
        assert_eq!(rounds, MAX_OWED / AT_ONCE);
    }

    #[test]
    fn what_does_not_come_to_its_commit_is_owed_again() {
        let owed = OwedAttempts::default();
        owed.add([one("alice"), one("bob"), one("alice")]);
        let other = (AttemptKind::Session, "alice");
        assert_eq!(owed.take_of(&[other]), []);
        let taken = owed.take_of(&[(AttemptKind::Login, "alice")]);
        assert_eq!(taken.len(), 2);
        drop(TakenBack { owed: &owed, taken });
        assert_eq!(owed.take_some().len(), 3);
    }
}
