//! How many calls for documents one node makes at once: for whom, and to one host. Nobody whose host is slow takes the calls of others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;
use writ_wire::host::host_name;

use crate::node::client_address::Area;

/// Calls at once for clients that an operator registered, together and to one host.
const MAX_REGISTERED_CALLS: usize = 64;
const MAX_REGISTERED_CALLS_TO_HOST: usize = 16;
/// Calls at once for guests that a stranger names, together and to one host.
const MAX_VISIT_CALLS: usize = 32;
const MAX_VISIT_CALLS_TO_HOST: usize = 4;
/// Of those, the ones that one address causes: whoever names many slow hosts leaves the most to others.
const MAX_VISIT_CALLS_OF_ADDRESS: usize = 8;
/// The same of one site.
const MAX_VISIT_CALLS_OF_SITE: usize = 16;
/// Calls at once for guests that a person is asked about or agreed to, together and to one host.
const MAX_KNOWN_GUEST_CALLS: usize = 32;
const MAX_KNOWN_GUEST_CALLS_TO_HOST: usize = 4;

/// For whom a call is made; each has calls of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallReason {
    /// A client that an operator registered.
    Registered,
    /// A guest that somebody names who proved nothing, from this address, if it is known.
    Visit { from: Option<IpAddr> },
    /// A guest that a signed-in person is asked about, or that somebody agreed to before.
    KnownGuest,
}

/// The most calls at once.
struct Most {
    together: usize,
    to_host: usize,
}

impl CallReason {
    const fn pot(self) -> Pot {
        match self {
            Self::Registered => Pot::Registered,
            Self::Visit { .. } => Pot::Visit,
            Self::KnownGuest => Pot::KnownGuest,
        }
    }

    /// Of whom a part of the calls is. Of nobody on loopback: all may come from there.
    fn visitors(self) -> impl Iterator<Item = Area> {
        let from = match self {
            Self::Visit { from } => from.filter(|from| !from.is_loopback()),
            Self::Registered | Self::KnownGuest => None,
        };
        from.into_iter().flat_map(Area::around)
    }

    const fn most(self) -> Most {
        let (together, to_host) = match self {
            Self::Registered => (MAX_REGISTERED_CALLS, MAX_REGISTERED_CALLS_TO_HOST),
            Self::Visit { .. } => (MAX_VISIT_CALLS, MAX_VISIT_CALLS_TO_HOST),
            Self::KnownGuest => (MAX_KNOWN_GUEST_CALLS, MAX_KNOWN_GUEST_CALLS_TO_HOST),
        };
        Most { together, to_host }
    }
}

/// The kinds of calls that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pot {
    Registered,
    Visit,
    KnownGuest,
}

/// The calls under way.
#[derive(Default)]
pub(super) struct CallLimits(Mutex<CallsUnderWay>);

/// Hosts and visitors without a call have no entry.
#[derive(Default)]
struct CallsUnderWay {
    hosts: HashMap<Pot, HashMap<String, usize>>,
    visitors: HashMap<Area, usize>,
}

impl CallsUnderWay {
    fn has_room_for(&self, visitor: Area) -> bool {
        let most = match visitor {
            Area::Network(_) => MAX_VISIT_CALLS_OF_ADDRESS,
            Area::Site(_) => MAX_VISIT_CALLS_OF_SITE,
        };
        self.visitors
            .get(&visitor)
            .is_none_or(|calls| *calls < most)
    }
}

/// One call; it ends when this is dropped.
pub(super) struct CallUnderWay<'a> {
    limits: &'a CallLimits,
    reason: CallReason,
    host: String,
}

impl CallLimits {
    /// `None` if there are too many.
    pub(super) fn begin(&self, reason: CallReason, url: &str) -> Option<CallUnderWay<'_>> {
        let host = Url::parse(url).ok().and_then(|url| host_name(&url));
        let host = host.unwrap_or_default();
        let most = reason.most();
        let mut under_way = self.under_way();
        let has_room = reason
            .visitors()
            .all(|visitor| under_way.has_room_for(visitor));
        let hosts = under_way.hosts.entry(reason.pot()).or_default();
        let to_host = hosts.get(&host).copied().unwrap_or_default();
        if hosts.values().sum::<usize>() >= most.together || to_host >= most.to_host || !has_room {
            return None;
        }
        hosts.insert(host.clone(), to_host + 1);
        for visitor in reason.visitors() {
            *under_way.visitors.entry(visitor).or_default() += 1;
        }
        Some(CallUnderWay {
            limits: self,
            reason,
            host,
        })
    }

    fn under_way(&self) -> MutexGuard<'_, CallsUnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CallUnderWay<'_> {
    fn drop(&mut self) {
        let mut under_way = self.limits.under_way();
        let hosts = under_way.hosts.entry(self.reason.pot()).or_default();
        if let Some(calls) = hosts.get_mut(&self.host) {
            *calls = calls.saturating_sub(1);
        }
        hosts.retain(|_, calls| *calls > 0);
        let visitors = &mut under_way.visitors;
        for visitor in self.reason.visitors() {
            if let Some(calls) = visitors.get_mut(&visitor) {
                *calls = calls.saturating_sub(1);
            }
        }
        visitors.retain(|_, calls| *calls > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: [CallReason; 3] = [
        CallReason::Registered,
        CallReason::Visit { from: None },
        CallReason::KnownGuest,
    ];

    #[test]
    fn a_host_takes_its_own_calls_however_it_is_spelled() {
        for reason in REASONS {
            let limits = CallLimits::default();
            let spelled = [
                "https://slow.example/a",
                "https://SLOW.example./b",
                "https://slow.example:8443/c",
                "http://%73low.example/d",
            ];
            let urls = spelled.into_iter().cycle();
            let calls = urls.map_while(|url| limits.begin(reason, url));
            let calls: Vec<_> = calls.collect();
            assert_eq!(calls.len(), reason.most().to_host, "{reason:?}");
            assert!(limits.begin(reason, "https://other.example/").is_some());
            drop(calls);
            assert!(limits.begin(reason, spelled[0]).is_some(), "{reason:?}");
        }
    }

    #[test]
    fn nobody_takes_the_calls_of_others() {
        let limits = CallLimits::default();
        let mut held = Vec::new();
        for reason in REASONS {
            let hosts = (0..1000).map(|host| format!("https://slow-{host}.example/"));
            let calls = hosts.map_while(|url| limits.begin(reason, &url));
            let calls: Vec<_> = calls.collect();
            assert_eq!(calls.len(), reason.most().together, "{reason:?}");
            held.push(calls);
        }
        held.clear();
        assert!(limits.under_way().hosts.values().all(HashMap::is_empty));
    }

    #[test]
    fn an_address_leaves_calls_to_others() {
        let limits = CallLimits::default();
        let visit = |from: &str| CallReason::Visit {
            from: Some(from.parse().unwrap()),
        };
        let hosts =
            |name: &'static str| (0..100).map(move |n| format!("https://{name}-{n}.example/"));
        let of_one = hosts("slow").zip(1..);
        let of_one =
            of_one.map_while(|(url, n)| limits.begin(visit(&format!("2001:db8::{n:x}")), &url));
        let of_one: Vec<_> = of_one.collect();
        assert_eq!(of_one.len(), MAX_VISIT_CALLS_OF_ADDRESS, "of one network");
        let other = limits.begin(visit("2001:db8:1::1"), "https://notes.example/");
        assert!(other.is_some());
        drop(of_one);
        assert_eq!(limits.under_way().visitors.len(), 2, "network and site");
        drop(other);
        assert!(limits.under_way().visitors.is_empty());
        for site in ["2001:db8:2", "2001:db8:3"] {
            let of_site = hosts("site").zip(1..);
            let of_site = of_site
                .map_while(|(url, n)| limits.begin(visit(&format!("{site}:{n:x}::1")), &url));
            assert_eq!(of_site.collect::<Vec<_>>().len(), MAX_VISIT_CALLS_OF_SITE);
        }
        let here = hosts("here").map_while(|url| limits.begin(visit("127.0.0.1"), &url));
        assert_eq!(here.collect::<Vec<_>>().len(), MAX_VISIT_CALLS);
    }
}
