//! How often passwords are tried (NIST SP 800-63B revision 4, section 3.2.2), so that nobody guesses one and nobody keeps its owner out.
//! A stranger is counted by name and network, by name over all networks, and by network over all names; a browser in which the person signed in before, and a
//! session of theirs, by itself alone, and by person as far as hashes are dear. Unknown names are counted like known ones, or a pause would tell which names exist.

use std::net::IpAddr;

use writ_core::id::UserId;
use writ_core::password::{
    MAX_PASSWORD_FAILURES, MAX_PASSWORD_PROOFS_OF_PERSON, MAX_PASSWORD_TRIES_OF_DAY,
    MAX_PASSWORD_TRIES_OF_NETWORK, MAX_PASSWORD_TRIES_OF_SITE, PASSWORD_PAUSE,
};
use writ_jose::hash;
use writ_store::StoreError;
use writ_store::attempts::{Admission, AttemptKind};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::client_address::{network, site};
use crate::node::rate_limits::{FAILURES_KEPT, RateLimit};

/// In seconds.
const DAY: i64 = 24 * 3600;

/// Who tries a password, as far as it is known before.
#[derive(Clone, Copy, Debug)]
pub enum PasswordTrier<'a> {
    /// Anybody, from this address, for this user name.
    Stranger {
        name: &'a str,
        address: Option<IpAddr>,
    },
    /// A browser in which this person signed in before, by its id.
    KnownBrowser {
        browser: &'a str,
        person: &'a UserId,
    },
    /// A session of this person, by its digest.
    Session { digest: &'a str, person: &'a UserId },
}

/// What one attempt is counted against: all of them, or none.
pub struct PasswordLimits {
    /// Of failures in a row, which a success forgets.
    in_a_row: RateLimit,
    /// Of the day, from which a success takes its own attempt back.
    of_day: RateLimit,
    /// The same of strangers: of the hour by network and site, of the day by name and site.
    of_places: Vec<RateLimit>,
    /// Of the hour, whatever comes of it.
    of_person: Option<RateLimit>,
}

impl PasswordLimits {
    pub fn of(trier: PasswordTrier<'_>, now: Timestamp) -> Self {
        match trier {
            PasswordTrier::Stranger { name, address } => {
                let place = address.map(|address| network(address).to_string());
                let place = place.unwrap_or_default();
                Self {
                    in_a_row: in_a_row(AttemptKind::Login, &[name, &place], now),
                    of_day: of_day(AttemptKind::LoginOfDay, name, now),
                    of_places: address.map_or_else(Vec::new, |from| of_places(name, from, now)),
                    of_person: None,
                }
            }
            PasswordTrier::KnownBrowser { browser, person } => Self {
                of_person: Some(of_person(person, now)),
                ..Self::alone(AttemptKind::KnownBrowser, browser, now)
            },
            PasswordTrier::Session { digest, person } => Self {
                of_person: Some(of_person(person, now)),
                ..Self::alone(AttemptKind::Session, digest, now)
            },
        }
    }

    fn alone(kind: AttemptKind, holder: &str, now: Timestamp) -> Self {
        Self {
            in_a_row: in_a_row(kind, &[holder], now),
            of_day: of_day(kind, holder, now),
            of_places: Vec::new(),
            of_person: None,
        }
    }

    fn each(&self) -> impl Iterator<Item = &RateLimit> {
        let of_hour = self.of_places.iter().chain(&self.of_person);
        of_hour.chain([&self.in_a_row, &self.of_day])
    }
}

fn in_a_row(kind: AttemptKind, holder: &[&str], now: Timestamp) -> RateLimit {
    let parts = ["in a row"]
        .iter()
        .chain(holder)
        .map(|part| part.as_bytes());
    RateLimit {
        kind,
        holder: hash::digest_text(&parts.collect::<Vec<_>>()),
        most: MAX_PASSWORD_FAILURES,
        paused_until: now.plus(PASSWORD_PAUSE),
        kept_until: now.plus(FAILURES_KEPT),
    }
}

/// None for loopback, as for requests.
fn of_places(name: &str, address: IpAddr, now: Timestamp) -> Vec<RateLimit> {
    let (kind, most) = (AttemptKind::LoginFrom, MAX_PASSWORD_TRIES_OF_NETWORK);
    let mut limits = RateLimit::of_places(kind, "passwords", address, most, now);
    if !limits.is_empty() {
        let here = [name, &site(address).to_string()].join("\0");
        limits.push(RateLimit {
            most: MAX_PASSWORD_TRIES_OF_SITE,
            ..of_day(AttemptKind::LoginOfDay, &here, now)
        });
    }
    limits
}

fn of_person(person: &UserId, now: Timestamp) -> RateLimit {
    let parts: [&[u8]; 2] = [b"passwords of", person.as_str().as_bytes()];
    let most = MAX_PASSWORD_PROOFS_OF_PERSON;
    RateLimit::of_hour(AttemptKind::OwnPassword, &parts, most, now)
}

fn of_day(kind: AttemptKind, holder: &str, now: Timestamp) -> RateLimit {
    let day = now.seconds().div_euclid(DAY);
    let end = Timestamp::from_seconds((day + 1) * DAY);
    let parts: [&[u8]; 3] = [b"of day", holder.as_bytes(), &day.to_be_bytes()];
    RateLimit {
        kind,
        holder: hash::digest_text(&parts),
        most: MAX_PASSWORD_TRIES_OF_DAY,
        paused_until: end,
        kept_until: end,
    }
}

impl App {
    /// Counts an attempt at a password, unless it must not be checked: until no limit is used up any more.
    pub async fn admit_password(&self, limits: &PasswordLimits) -> Result<Admission, StoreError> {
        let now = self.clock.now();
        let mut counting = self.begin_counting(limits.each()).await?;
        let mut paused_until = None;
        for limit in limits.each() {
            paused_until = paused_until.max(counting.count(limit, now).await?);
        }
        if let Some(until) = paused_until {
            return Ok(Admission::PausedUntil(until));
        }
        counting.commit().await?;
        Ok(Admission::Admitted)
    }

    /// Until when this attempt would not be admitted, if it is paused now; nothing is counted.
    pub async fn password_paused_until(
        &self,
        limits: &PasswordLimits,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.paused_until(limits.each()).await
    }

    /// It was not looked at.
    pub async fn uncount_password(&self, limits: &PasswordLimits) {
        let all: Vec<_> = limits.each().collect();
        self.take_attempts_back(None, &all).await;
    }

    /// A success forgets what failed before it, but for the attempts of others; among the proofs of the person it stays.
    pub async fn forget_failures(&self, limits: &PasswordLimits) {
        let PasswordLimits {
            in_a_row,
            of_day,
            of_places,
            of_person: _,
        } = limits;
        let last: Vec<_> = of_places.iter().chain([of_day]).collect();
        self.take_attempts_back(Some(in_a_row), &last).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn holders(trier: PasswordTrier<'_>, now: Timestamp) -> [String; 2] {
        let limits = PasswordLimits::of(trier, now);
        [limits.in_a_row.holder, limits.of_day.holder]
    }

    #[test]
    fn a_stranger_is_counted_by_name_and_network_and_by_name_and_day() {
        let of = |name, address: &str, now| {
            let address = Some(address.parse().unwrap());
            holders(PasswordTrier::Stranger { name, address }, now)
        };
        let [place, day] = of("alice", "2001:db8:1:2::a", NOW);
        assert_eq!(
            of("alice", "2001:db8:1:2:ffff::1", NOW),
            [place.clone(), day.clone()]
        );
        let [other, same] = of("alice", "2001:db8:1:3::a", NOW);
        assert_ne!(other, place);
        assert_eq!(same, day);
        let [other, another] = of("bob", "2001:db8:1:2::a", NOW);
        assert_ne!((other, another), (place.clone(), day.clone()));
        let tomorrow = NOW.plus(Duration::from_secs(24 * 3600));
        let [same, other] = of("alice", "2001:db8:1:2::a", tomorrow);
        assert_eq!(same, place);
        assert_ne!(other, day);
    }

    #[test]
    fn a_network_is_counted_over_all_names_by_the_hour_but_not_this_machine() {
        let of = |name, address: Option<&str>, now| {
            let address = address.map(|address| address.parse().unwrap());
            let trier = PasswordTrier::Stranger { name, address };
            let limits = PasswordLimits::of(trier, now).of_places;
            let limit = limits.into_iter().next();
            limit.map(|limit| (limit.holder, limit.most))
        };
        let one = of("alice", Some("2001:db8:1:2::a"), NOW);
        assert_eq!(one.as_ref().unwrap().1, 300);
        assert_eq!(of("bob", Some("2001:db8:1:2:ffff::1"), NOW), one);
        assert_ne!(of("alice", Some("2001:db8:1:3::a"), NOW), one);
        let later = NOW.plus(Duration::from_secs(3600));
        assert_ne!(of("alice", Some("2001:db8:1:2::a"), later), one);
        for nowhere in [None, Some("127.0.0.1"), Some("::1")] {
            assert_eq!(of("alice", nowhere, NOW), None);
        }
    }

    #[test]
    fn a_site_is_counted_over_all_names_by_the_hour_and_by_name_and_day() {
        let of = |name, address: &str| {
            let address = Some(address.parse().unwrap());
            let limits = PasswordLimits::of(PasswordTrier::Stranger { name, address }, NOW);
            let limits = limits.of_places.into_iter();
            let limits = limits.map(|limit| (limit.holder, limit.most));
            <[_; 3]>::try_from(limits.collect::<Vec<_>>()).unwrap()
        };
        let [network, hour, day] = of("alice", "2001:db8:1:2::a");
        assert_eq!((network.1, hour.1, day.1), (300, 4800, 30));
        let [other, same_hour, same_day] = of("alice", "2001:db8:1:ff::a");
        assert_ne!(other, network);
        assert_eq!((&same_hour, &same_day), (&hour, &day));
        let [_, same_hour, other_day] = of("bob", "2001:db8:1:2::a");
        assert_eq!(same_hour, hour);
        assert_ne!(other_day, day);
        let [_, other_hour, other_day] = of("alice", "2001:db8:2:2::a");
        assert!(other_hour != hour && other_day != day);
    }

    #[test]
    fn nobody_shares_a_count_with_another_kind() {
        let person = &UserId::from_text("usr_alice");
        let triers = [
            PasswordTrier::Stranger {
                name: "one",
                address: None,
            },
            PasswordTrier::KnownBrowser {
                browser: "one",
                person,
            },
            PasswordTrier::Session {
                digest: "one",
                person,
            },
        ];
        let mut all: Vec<(&str, String)> = Vec::new();
        for trier in triers {
            for limit in PasswordLimits::of(trier, NOW).each() {
                // That of the person is one for all that is theirs.
                if limit.kind != AttemptKind::OwnPassword {
                    all.push((limit.kind.as_str(), limit.holder.clone()));
                }
            }
        }
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
