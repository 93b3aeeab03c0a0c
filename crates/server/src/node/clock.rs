//! This node's clock held against the database's: within 5 s it is right, from there to 30 s it is told to the operator, and beyond
//! nothing is issued. What expires and what was used once is judged by it, so that a wrong one would open what is closed. What only
//! takes authority away goes on, by the database's time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use writ_core::realm::DEFAULT_TENANT;
use writ_platform::Clock;
use writ_store::clock::{DatabaseTime, TOLERATED_SKEW};
use writ_store::{Store, StoreError};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::passing_time::PassingTime;

/// From here on the operator is told.
pub const WARNED_SKEW: Duration = Duration::from_secs(5);
/// How often the clocks are compared.
pub const COMPARED_EVERY: Duration = Duration::from_secs(5);
/// For so long a comparison is good; a clock that goes back, or forward by more, is compared again at once.
const COMPARED_FOR: Duration = Duration::from_secs(10);
/// Without a clock of the database's, a step of so much is told when it is believed: whether no node ran, or the clock is ahead, only the
/// operator knows.
const TOLD_STEP: Duration = Duration::from_secs(24 * 3600);
/// Where the database has no clock. Beside its sentence.
const AHEAD_BEFORE: &str = ". If it is right, the clock of a server was ahead before: stop every server, and set the kept time back (docs/configuration.md, Clocks)";
/// While a command waits for a node to write its time.
const ASKED_AGAIN: Duration = Duration::from_millis(500);
/// When a caller may come again, in seconds.
pub const RETRY_AFTER: u64 = 5;

/// Where the database's time comes from.
#[derive(Clone, Debug)]
pub enum DatabaseClock {
    /// From the database.
    OfDatabase,
    /// PostgreSQL is taken to have this time.
    Given(Clock),
}

/// What is known of this node's clock.
pub struct ClockWatch {
    database: DatabaseClock,
    /// By how much it is ahead, in microseconds.
    ahead: AtomicI64,
    /// By it, in microseconds since 1970.
    compared_at: AtomicI64,
    /// Where the database has no clock.
    passing: Mutex<PassingTime>,
}

/// By how much this node's clock is ahead of the database's, or behind if negative, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(i64);

/// What follows from a skew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Told,
    Wrong,
}

impl Skew {
    /// Less what the way to the database may have taken.
    fn measured(before: Timestamp, database: Timestamp, after: Timestamp) -> Self {
        let half = after.micros().saturating_sub(before.micros()).max(0) / 2;
        let middle = before.micros().saturating_add(half);
        let ahead = middle.saturating_sub(database.micros());
        Self(
            ahead
                .signum()
                .saturating_mul((ahead.saturating_abs() - half).max(0)),
        )
    }

    /// Where it is only known that it cannot be earlier: a clock is behind, or right.
    fn behind(now: Timestamp, at_least: Timestamp) -> Self {
        Self(now.micros().saturating_sub(at_least.micros()).min(0))
    }

    fn verdict(self) -> Verdict {
        let size = Duration::from_micros(self.0.unsigned_abs());
        if size > TOLERATED_SKEW {
            Verdict::Wrong
        } else if size > WARNED_SKEW {
            Verdict::Told
        } else {
            Verdict::Right
        }
    }

    fn is_wrong(self) -> bool {
        self.verdict() == Verdict::Wrong
    }

    /// For the operator, and for whoever waits.
    pub fn sentence(self) -> String {
        format!("the clock of this node is {}", self.way())
    }

    fn way(self) -> String {
        let way = if self.0 < 0 { "behind" } else { "ahead of" };
        let seconds = Duration::from_micros(self.0.unsigned_abs()).as_secs();
        format!("{seconds} seconds {way} its database")
    }
}

impl ClockWatch {
    /// Nothing is known before the first comparison.
    pub fn new(database: DatabaseClock) -> Self {
        Self {
            database,
            ahead: AtomicI64::new(0),
            compared_at: AtomicI64::new(i64::MIN / 2),
            passing: Mutex::default(),
        }
    }

    fn skew(&self) -> Skew {
        Skew(self.ahead.load(Ordering::Relaxed))
    }

    /// And what it was held against.
    async fn measure(
        &self,
        store: &Store,
        clock: &Clock,
    ) -> Result<(Skew, DatabaseTime), StoreError> {
        let before = clock.now();
        let against = store.database_time(DEFAULT_TENANT).await?;
        let skew = match against {
            DatabaseTime::AtLeast(greatest) => self.since(greatest, store, clock).await?,
            DatabaseTime::Now(now) => {
                let database = match &self.database {
                    DatabaseClock::OfDatabase => now,
                    DatabaseClock::Given(clock) => clock.now(),
                };
                Skew::measured(before, database, clock.now())
            }
        };
        Ok((skew, against))
    }

    /// Without a clock of the database's: a time that is believed is kept, a jump is not.
    async fn since(
        &self,
        greatest: Timestamp,
        store: &Store,
        clock: &Clock,
    ) -> Result<Skew, StoreError> {
        let now = clock.now();
        let behind = Skew::behind(now, greatest);
        if behind.is_wrong() {
            return Ok(behind);
        }
        let ahead = {
            let passing = self.passing.lock();
            let mut passing = passing.unwrap_or_else(PoisonError::into_inner);
            passing.ahead(now, clock.running())
        };
        if let Some(ahead) = ahead {
            return Ok(Skew(ahead));
        }
        if let Some(days) = unseen_days(greatest, now) {
            tracing::warn!(
                "the clock of this node is {days} days after the last time that its database saw: if no server ran for so long, all is well; if it is wrong, set it at once, because until that time comes a right clock will be refused"
            );
        }
        store.saw_time(DEFAULT_TENANT, now, greatest).await?;
        Ok(behind)
    }

    fn is_known(&self, now: Timestamp) -> bool {
        let at = Timestamp::from_micros(self.compared_at.load(Ordering::Relaxed));
        at.is_within(COMPARED_FOR, now)
    }

    /// The skew before.
    fn note(&self, skew: Skew, now: Timestamp) -> Skew {
        self.compared_at.store(now.micros(), Ordering::Relaxed);
        Skew(self.ahead.swap(skew.0, Ordering::Relaxed))
    }
}

/// A command's clock, held against the database's.
pub struct CommandClock {
    skew: Skew,
    against: DatabaseTime,
}

/// A kept time may be of a clock that was ahead: then the right one is behind it.
const fn or_ahead_before(skew: Skew, against: DatabaseTime) -> &'static str {
    match against {
        DatabaseTime::AtLeast(_) if skew.0 < 0 => AHEAD_BEFORE,
        DatabaseTime::AtLeast(_) | DatabaseTime::Now(_) => "",
    }
}

impl CommandClock {
    /// A node that runs writes the time every [`COMPARED_EVERY`]: while one does, SQLite knows of clocks that are ahead, too.
    pub async fn compare(store: &Store, clock: &Clock) -> Result<Self, StoreError> {
        let until = Instant::now() + COMPARED_EVERY * 2;
        loop {
            let before = clock.now();
            let greatest = match store.database_time(DEFAULT_TENANT).await? {
                against @ DatabaseTime::Now(now) => {
                    let skew = Skew::measured(before, now, clock.now());
                    return Ok(Self { skew, against });
                }
                DatabaseTime::AtLeast(greatest) => greatest,
            };
            let against = DatabaseTime::AtLeast(greatest);
            let skew = Skew::behind(before, greatest);
            let ahead = Skew(before.micros().saturating_sub(greatest.micros()));
            if !ahead.is_wrong() || skew.is_wrong() || !store.is_served().await? {
                return Ok(Self { skew, against });
            }
            // It may have begun just now, or be about to write.
            if Instant::now() >= until {
                let skew = ahead;
                return Ok(Self { skew, against });
            }
            tokio::time::sleep(ASKED_AGAIN).await;
        }
    }

    /// From 5 seconds on.
    pub fn warning(&self) -> Option<String> {
        let is_right = self.skew.verdict() == Verdict::Right;
        (!is_right).then(|| format!("the clock of this machine is {}", self.skew.way()))
    }

    /// What else may be wrong.
    pub const fn other_cause(&self) -> &'static str {
        or_ahead_before(self.skew, self.against)
    }

    /// With which nothing is granted.
    pub fn is_wrong(&self) -> bool {
        self.skew.is_wrong()
    }

    /// The database's time, where this machine's is wrong.
    pub fn mended(&self) -> Clock {
        match self.is_wrong() {
            true => Clock::Corrected(self.skew.0),
            false => Clock::System,
        }
    }
}

/// Between the greatest time that was kept, if any was, and one that is believed: those that the operator is told of.
fn unseen_days(greatest: Timestamp, now: Timestamp) -> Option<u64> {
    let was_kept = greatest > Timestamp::from_micros(0);
    let is_told = was_kept && greatest.plus(TOLD_STEP) <= now;
    is_told.then(|| greatest.until(now).as_secs() / TOLD_STEP.as_secs())
}

impl App {
    /// Compares the clocks, and tells the operator of a change.
    pub async fn compare_clock(&self) -> Result<Skew, StoreError> {
        let (skew, against) = self.watch.measure(&self.store, &self.clock).await?;
        let before = self.watch.note(skew, self.clock.now());
        self.metrics.clock_skew(skew.0);
        if before.verdict() != skew.verdict() {
            let cause = skew.sentence();
            match skew.verdict() {
                Verdict::Right => tracing::info!("the clock of this node is right again"),
                Verdict::Told => tracing::warn!("{cause}"),
                Verdict::Wrong => tracing::error!(
                    "{cause}: nothing is issued until it is right{}",
                    or_ahead_before(skew, against)
                ),
            }
        }
        Ok(skew)
    }

    /// The skew, if it is one with which nothing may be issued. A wrong clock is compared again each time, so that it is noticed at
    /// once when it is right.
    pub async fn wrong_clock(&self) -> Result<Option<Skew>, StoreError> {
        let known = self.watch.skew();
        let is_good = !known.is_wrong() && self.watch.is_known(self.clock.now());
        let skew = if is_good {
            known
        } else {
            self.compare_clock().await?
        };
        Ok(Some(skew).filter(|skew| skew.is_wrong()))
    }

    /// This node's time, or the database's while this node's clock is wrong: by it what only takes authority away is judged and recorded.
    pub fn mended_time(&self) -> Timestamp {
        let (now, skew) = (self.clock.now(), self.watch.skew());
        match skew.verdict() {
            Verdict::Wrong => Timestamp::from_micros(now.micros().saturating_sub(skew.0)),
            Verdict::Right | Verdict::Told => now,
        }
    }

    /// The time by which expired rows are removed: this node's or the database's, whichever is earlier.
    pub async fn sweep_time(&self) -> Result<Timestamp, StoreError> {
        let skew = self.compare_clock().await?;
        let ahead = u64::try_from(skew.0).unwrap_or(0);
        Ok(self.clock.now().minus(Duration::from_micros(ahead)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_790_000_000 + seconds)
    }

    #[test]
    fn the_way_to_the_database_counts_for_nobody() {
        for (before, database, after, ahead) in [
            (0, 0, 0, 0),
            (90, 0, 90, 90),
            (0, 90, 0, -90),
            (0, 5, 10, 0),
            (0, 12, 10, -2),
            (0, 0, 10, 0),
            (60, 0, 70, 60),
            (10, 0, 0, 10),
        ] {
            let skew = Skew::measured(at(before), at(database), at(after));
            assert_eq!(skew, Skew(ahead * 1_000_000), "{before} {database} {after}");
        }
    }

    #[test]
    fn five_seconds_are_nothing_and_thirty_are_borne() {
        for (seconds, verdict) in [
            (0, Verdict::Right),
            (5, Verdict::Right),
            (-5, Verdict::Right),
            (6, Verdict::Told),
            (-30, Verdict::Told),
            (31, Verdict::Wrong),
            (-3600, Verdict::Wrong),
        ] {
            assert_eq!(Skew(seconds * 1_000_000).verdict(), verdict, "{seconds}");
        }
        assert_eq!(Skew(i64::MIN).verdict(), Verdict::Wrong);
    }

    #[test]
    fn a_day_that_no_node_saw_is_told() {
        const DAY: i64 = 24 * 3600;
        for (seconds, days) in [
            (-DAY, None),
            (0, None),
            (DAY - 1, None),
            (DAY, Some(1)),
            (30 * DAY + 1, Some(30)),
        ] {
            assert_eq!(unseen_days(at(0), at(seconds)), days, "{seconds}");
        }
        let never = Timestamp::from_micros(0);
        assert_eq!(unseen_days(never, at(0)), None, "the first server of all");
    }

    #[test]
    fn without_a_clock_a_database_knows_only_of_going_back() {
        assert_eq!(Skew::behind(at(3600), at(0)), Skew(0));
        assert_eq!(Skew::behind(at(0), at(90)), Skew(-90_000_000));
    }
}
