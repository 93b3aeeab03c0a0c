//! How often somebody says that a password was forgotten: each time may send a letter to its owner. Strangers are counted by name and
//! network, by name over all networks, and by network over all names; a browser in which the person signed in before by itself alone, so
//! that no stranger uses its tries up. Names that nobody has are counted like others.

use std::net::IpAddr;

use writ_jose::hash;
use writ_store::attempts::AttemptKind;
use writ_wire::time::Timestamp;

use crate::node::client_address::network;
use crate::node::rate_limits::RateLimit;

/// Of one name from one network, or of one browser that is known, in a day.
pub const MAX_FORGOTTEN_HERE: i64 = 3;
/// Of one name from wherever in a day: so many letters a stranger sends to somebody.
pub const MAX_FORGOTTEN_OF_NAME: i64 = 10;
/// From one network in an hour, whatever the names.
pub const MAX_FORGOTTEN_OF_NETWORK: u32 = 30;

/// In seconds.
const DAY: i64 = 24 * 3600;

/// Who says it.
#[derive(Clone, Copy, Debug)]
pub enum ForgottenBy<'a> {
    Stranger {
        name: &'a str,
        address: Option<IpAddr>,
    },
    /// A browser in which this person signed in before, by its id.
    KnownBrowser(&'a str),
}

/// What one of them is counted against.
pub fn forgotten_limits(by: ForgottenBy<'_>, now: Timestamp) -> Vec<RateLimit> {
    match by {
        ForgottenBy::KnownBrowser(id) => {
            vec![of_day(&["browser", id], MAX_FORGOTTEN_HERE, now)]
        }
        ForgottenBy::Stranger { name, address } => {
            let place = address.map(|address| network(address).to_string());
            let place = place.unwrap_or_default();
            let kind = AttemptKind::Forgotten;
            let mut limits = vec![of_day(&["here", name, &place], MAX_FORGOTTEN_HERE, now)];
            if let Some(address) = address {
                let most = MAX_FORGOTTEN_OF_NETWORK;
                limits.extend(RateLimit::of_places(kind, "forgotten", address, most, now));
            }
            limits.push(of_day(&["name", name], MAX_FORGOTTEN_OF_NAME, now));
            limits
        }
    }
}

fn of_day(holder: &[&str], most: i64, now: Timestamp) -> RateLimit {
    let day = now.seconds().div_euclid(DAY);
    let end = Timestamp::from_seconds((day + 1) * DAY);
    let day = day.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![b"forgotten", &day];
    parts.extend(holder.iter().map(|part| part.as_bytes()));
    RateLimit {
        kind: AttemptKind::Forgotten,
        holder: hash::digest_text(&parts),
        most,
        paused_until: end,
        kept_until: end,
    }
}
