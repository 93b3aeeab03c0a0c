//! Requests that proved nothing, counted by address and minute in the memory of this node: above the limit they cost no row. Who proves
//! who they are is never counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use writ_core::OAuthError;
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use crate::node::client_address::{Area, NETWORKS_OF_SITE};
use crate::node::failure::Failure;

/// Refused requests of one address in one minute that proved nothing. A client with a fault tries again a few times; so does each
/// one of an office behind one address.
pub const MAX_UNPROVED: u32 = 300;
/// The same of one site.
const MAX_UNPROVED_OF_SITE: u32 = MAX_UNPROVED * NETWORKS_OF_SITE;
/// Networks and sites that are counted in one minute, and limits that are known to be used up: some megabytes. Of networks and sites those
/// with the fewest requests are forgotten then; of limits that are used up, the database counts what is above.
const MAX_COUNTED: usize = 65_536;
/// One in so many is forgotten at least, so that it is seldom looked for them.
const SHARES_OF_FORGOTTEN: usize = 8;
/// In seconds.
const MINUTE: i64 = 60;

/// What this node counted in the current minute.
#[derive(Default)]
pub struct Strangers(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    minute: i64,
    unproved: HashMap<Area, u32>,
    used_up: HashMap<String, Timestamp>,
}

impl Counted {
    /// Counts one more.
    fn is_above(&mut self, area: Area, most: u32) -> bool {
        if self.unproved.len() >= MAX_COUNTED && !self.unproved.contains_key(&area) {
            self.forget_fewest();
        }
        let count = self.unproved.entry(area).or_default();
        *count = count.saturating_add(1);
        *count > most
    }

    fn is_used_up(&self, area: Area, most: u32) -> bool {
        self.unproved.get(&area).is_some_and(|count| *count >= most)
    }

    /// They are counted anew: whoever sends one request from each of many networks pushes out no count of another that sends many.
    fn forget_fewest(&mut self) {
        let mut counts: Vec<u32> = self.unproved.values().copied().collect();
        let share = counts.len() / SHARES_OF_FORGOTTEN;
        if share < counts.len() {
            let (_, fewest, _) = counts.select_nth_unstable(share);
            let fewest = *fewest;
            self.unproved.retain(|_, count| *count > fewest);
        }
    }
}

/// The address sent too many requests that proved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyUnproved {
    pub retry_after: Duration,
}

impl TooManyUnproved {
    pub fn failure(self) -> Failure {
        let refusal = OAuthError::new(ErrorCode::TemporarilyUnavailable, TOO_MANY);
        Failure::limited(refusal, self.retry_after)
    }
}

const TOO_MANY: &str = "too many failed requests from this address: mend the request, and try again after `Retry-After`";

impl Strangers {
    /// Counts one. An unknown address and loopback are admitted, as everywhere: all requests may come from there.
    pub fn admit_unproved(
        &self,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), TooManyUnproved> {
        let Some(address) = address.filter(|address| !address.is_loopback()) else {
            return Ok(());
        };
        let mut counted = self.counted(now);
        let [network, site] = Area::around(address);
        // What one network sends in vain uses up nothing of its neighbours; of a site that is above its own limit none is counted.
        let too_many = counted.is_used_up(site, MAX_UNPROVED_OF_SITE)
            || counted.is_above(network, MAX_UNPROVED)
            || counted.is_above(site, MAX_UNPROVED_OF_SITE);
        match too_many {
            true => Err(TooManyUnproved {
                retry_after: now.until(end_of_minute(now)),
            }),
            false => Ok(()),
        }
    }

    /// Until when a limit in the database is known to be used up, by its holder.
    pub fn used_up_until(&self, holder: &str, now: Timestamp) -> Option<Timestamp> {
        let until = self.counted(now).used_up.get(holder).copied();
        until.filter(|until| now < *until)
    }

    /// So that the next request need not ask the database.
    pub fn note_used_up(&self, holder: &str, until: Timestamp, now: Timestamp) {
        let mut counted = self.counted(now);
        if counted.used_up.len() < MAX_COUNTED {
            counted.used_up.insert(holder.to_owned(), until);
        }
    }

    /// Whether this is the first event of this minute about this grant. Where too many are known, it is not.
    pub fn is_first_of_minute(&self, grant: &str, now: Timestamp) -> bool {
        let mut counted = self.counted(now);
        if counted.used_up.len() >= MAX_COUNTED {
            return false;
        }
        let before = counted.used_up.insert(grant.to_owned(), end_of_minute(now));
        before.is_none_or(|until| until <= now)
    }

    /// Of this minute: what is over is forgotten.
    fn counted(&self, now: Timestamp) -> MutexGuard<'_, Counted> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.seconds().div_euclid(MINUTE);
        if counted.minute != minute {
            counted.minute = minute;
            counted.unproved.clear();
            counted.used_up.retain(|_, until| now < *until);
        }
        counted
    }
}

fn end_of_minute(now: Timestamp) -> Timestamp {
    Timestamp::from_seconds((now.seconds().div_euclid(MINUTE) + 1) * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn admit(strangers: &Strangers, address: &str, now: Timestamp) -> bool {
        let address = Some(address.parse().unwrap());
        strangers.admit_unproved(address, now).is_ok()
    }

    #[test]
    fn a_network_is_admitted_so_often_in_a_minute() {
        let strangers = Strangers::default();
        for number in 0..MAX_UNPROVED {
            let address = format!("2001:db8:1:2::{number:x}");
            assert!(admit(&strangers, &address, NOW), "{number}");
        }
        let address = Some("2001:db8:1:2:ffff::1".parse().unwrap());
        let refused = strangers.admit_unproved(address, NOW).unwrap_err();
        // It is 20 seconds past the minute.
        assert_eq!(refused.retry_after, Duration::from_secs(40));
        assert!(admit(&strangers, "2001:db8:1:3::1", NOW));
        assert!(!admit(
            &strangers,
            "2001:db8:1:2::1",
            NOW.plus(Duration::from_secs(39))
        ));
        assert!(admit(
            &strangers,
            "2001:db8:1:2::1",
            NOW.plus(refused.retry_after)
        ));
    }

    #[test]
    fn a_site_is_admitted_as_often_as_sixteen_of_its_networks() {
        let strangers = Strangers::default();
        for network in 0..NETWORKS_OF_SITE {
            let address = format!("2001:db8:1:{network:x}::1");
            for _ in 0..MAX_UNPROVED {
                assert!(admit(&strangers, &address, NOW), "{address}");
            }
            assert!(!admit(&strangers, &address, NOW), "{address}");
        }
        assert!(!admit(&strangers, "2001:db8:1:ffff::1", NOW));
        assert!(admit(&strangers, "2001:db8:2:ffff::1", NOW));
    }

    #[test]
    fn this_machine_and_the_unknown_are_not_counted() {
        let strangers = Strangers::default();
        for _ in 0..=MAX_UNPROVED {
            assert!(admit(&strangers, "127.0.0.1", NOW));
            assert!(strangers.admit_unproved(None, NOW).is_ok());
        }
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let strangers = Strangers::default();
        for number in 0..100_000_u32 {
            let address = std::net::Ipv4Addr::from(0x0b00_0000 + number);
            assert!(strangers.admit_unproved(Some(address.into()), NOW).is_ok());
            strangers.note_used_up(&number.to_string(), NOW.plus(Duration::from_secs(9)), NOW);
        }
        let counted = strangers.counted(NOW);
        assert!(counted.unproved.len() <= MAX_COUNTED);
        assert_eq!(counted.used_up.len(), MAX_COUNTED);
    }

    #[test]
    fn a_site_above_its_limit_adds_no_networks() {
        let strangers = Strangers::default();
        for network in 0..MAX_UNPROVED_OF_SITE {
            let address = format!("2001:db8:1:{network:x}::1");
            assert!(admit(&strangers, &address, NOW), "{address}");
        }
        let before = strangers.counted(NOW).unproved.len();
        for network in MAX_UNPROVED_OF_SITE..=0xffff {
            let address = format!("2001:db8:1:{network:x}::1");
            assert!(!admit(&strangers, &address, NOW), "{address}");
        }
        assert_eq!(strangers.counted(NOW).unproved.len(), before);
    }

    #[test]
    fn whoever_comes_from_everywhere_ends_no_limit_of_another() {
        let strangers = Strangers::default();
        let many = |strangers: &Strangers, address: &str| {
            let admitted = (0..=MAX_UNPROVED).filter(|_| admit(strangers, address, NOW));
            admitted.count()
        };
        let most = usize::try_from(MAX_UNPROVED).unwrap();
        assert_eq!(many(&strangers, "203.0.113.5"), most);
        for number in 0..100_000_u32 {
            let address = std::net::Ipv4Addr::from(0x0b00_0000 + number * 256);
            assert!(strangers.admit_unproved(Some(address.into()), NOW).is_ok());
        }
        assert!(!admit(&strangers, "203.0.113.5", NOW), "is remembered");
        assert_eq!(many(&strangers, "203.0.113.6"), most, "is counted too");
    }

    #[test]
    fn what_is_used_up_is_known_until_it_ends() {
        let strangers = Strangers::default();
        let end = NOW.plus(Duration::from_secs(90));
        strangers.note_used_up("a", end, NOW);
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        assert_eq!(strangers.used_up_until("a", later(89)), Some(end));
        assert_eq!(strangers.used_up_until("a", later(90)), None);
        assert_eq!(strangers.used_up_until("b", NOW), None);
    }

    #[test]
    fn the_first_of_a_minute_is_told_apart() {
        let strangers = Strangers::default();
        let first = |grant: &str, seconds| {
            let now = NOW.plus(Duration::from_secs(seconds));
            strangers.is_first_of_minute(grant, now)
        };
        assert!(first("a", 0) && !first("a", 0) && first("b", 1));
        assert!(!first("a", 39) && first("a", 40) && !first("a", 41));
    }
}
