//! The clock: the system's, or one that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use writ_wire::time::Timestamp;

/// Source of the current time. Clones of a manual clock share its time.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// The system's, which is ahead by so many microseconds; behind, if negative.
    Corrected(i64),
    Manual(ManualClock),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_time(),
            Self::Corrected(ahead) => {
                Timestamp::from_micros(system_time().micros().saturating_sub(*ahead))
            }
            Self::Manual(clock) => clock.now(),
        }
    }

    /// How long the machine runs, sleep included: goes on evenly when somebody sets the time. `None` where that is not known.
    pub fn running(&self) -> Option<Duration> {
        match self {
            Self::System | Self::Corrected(_) => uptime(),
            Self::Manual(clock) => Some(clock.running()),
        }
    }
}

/// A clock that moves only when a test moves it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hands>);

/// In microseconds.
#[derive(Debug)]
struct Hands {
    time: AtomicI64,
    running: AtomicI64,
}

impl ManualClock {
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(Hands {
            time: AtomicI64::new(start.micros()),
            running: AtomicI64::new(0),
        }))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.time.load(Ordering::SeqCst))
    }

    fn running(&self) -> Duration {
        let running = self.0.running.load(Ordering::SeqCst);
        Duration::from_micros(u64::try_from(running).unwrap_or_default())
    }

    /// Moves forward by a duration; saturates.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Forward: so much time passes.
    pub fn set(&self, to: Timestamp) {
        let passed = to.micros().saturating_sub(self.now().micros()).max(0);
        self.0.running.fetch_add(passed, Ordering::SeqCst);
        self.jump(to);
    }

    /// Somebody sets it: no time passes.
    pub fn jump(&self, to: Timestamp) {
        self.0.time.store(to.micros(), Ordering::SeqCst);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system clock"
)]
fn system_time() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Since the machine started (proc(5)); no other clock that counts its sleep is read without a library of C's.
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
