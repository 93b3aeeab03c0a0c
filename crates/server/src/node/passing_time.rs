//! A clock that somebody sets ahead while this node runs, where the database has none to hold it against: more time than passed is not
//! believed at once, because what it ended could not be opened again, and a node with the right time would be behind it. A machine
//! that was switched off is believed, and so is who goes on saying it: a clock that was late when the machine started is set soon after.

use std::time::Duration;

use writ_store::clock::TOLERATED_SKEW;
use writ_wire::time::Timestamp;

/// So long after it was set ahead a clock is believed.
pub const BELIEVED_AFTER: Duration = Duration::from_secs(600);

/// A time, and for how long the machine ran then.
#[derive(Clone, Copy)]
struct Moment {
    time: Timestamp,
    running: Duration,
}

/// The last time that was believed, and one that is not yet.
#[derive(Default)]
pub struct PassingTime {
    believed: Option<Moment>,
    set_ahead: Option<Moment>,
}

impl Moment {
    /// In microseconds, by how much `later` is ahead of the time that passed since.
    fn ahead(self, later: Self) -> i64 {
        let passed = later.running.saturating_sub(self.running);
        let expected = self.time.plus(passed);
        later.time.micros().saturating_sub(expected.micros())
    }
}

impl PassingTime {
    /// By how many microseconds `now` is ahead of what can have passed; `None` if it is believed. It always is where it is not known
    /// for how long the machine runs.
    pub fn ahead(&mut self, now: Timestamp, running: Option<Duration>) -> Option<i64> {
        let time = now;
        let here = Moment {
            time,
            running: running?,
        };
        let ahead = self.believed.map_or(0, |believed| believed.ahead(here));
        if ahead <= tolerated() || self.stood_for_long(here) {
            self.believed = Some(here);
            self.set_ahead = None;
            return None;
        }
        Some(ahead)
    }

    fn stood_for_long(&mut self, here: Moment) -> bool {
        let same = self
            .set_ahead
            .filter(|set| set.ahead(here).abs() <= tolerated());
        let set = *self.set_ahead.insert(same.unwrap_or(here));
        here.running.saturating_sub(set.running) >= BELIEVED_AFTER
    }
}

fn tolerated() -> i64 {
    i64::try_from(TOLERATED_SKEW.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// What the clock shows after the machine ran so many seconds, and by how many it is ahead; none where it is believed.
    #[track_caller]
    fn seen(steps: &[(i64, u64, Option<i64>)]) {
        let mut passing = PassingTime::default();
        for (shown, running, ahead) in steps {
            let now = Timestamp::from_seconds(1_790_000_000 + shown);
            let running = Some(Duration::from_secs(*running));
            let expected = ahead.map(|seconds| seconds * SECOND);
            assert_eq!(passing.ahead(now, running), expected, "{shown}");
        }
    }

    #[test]
    fn more_time_than_passed_is_believed_when_it_stood_for_ten_minutes() {
        seen(&[(0, 0, None), (5, 5, None), (3605, 3605, None)]);
        // Thirty seconds are borne, and counted from there on.
        seen(&[(0, 0, None), (35, 5, None), (66, 5, Some(31))]);
        seen(&[
            (0, 0, None),
            (31, 0, Some(31)),
            (5, 5, None),
            (10, 10, None),
        ]);
        seen(&[
            (0, 0, None),
            (3601, 1, Some(3600)),
            (4200, 600, Some(3600)),
            (4201, 601, None),
            (4206, 606, None),
        ]);
        // Set once more: the ten minutes begin again.
        seen(&[
            (0, 0, None),
            (3600, 0, Some(3600)),
            (7500, 300, Some(7200)),
            (8099, 899, Some(7200)),
            (8100, 900, None),
        ]);
        // What goes back is the database's to judge.
        seen(&[(0, 0, None), (-3600, 0, None), (-3595, 5, None)]);
    }

    #[test]
    fn without_a_time_of_the_machine_every_time_is_believed() {
        let mut passing = PassingTime::default();
        for seconds in [0, 3600, 0] {
            assert_eq!(passing.ahead(Timestamp::from_seconds(seconds), None), None);
        }
    }
}
