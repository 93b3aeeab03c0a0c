//! How many calls for documents one node makes at once: for whom, and to one host. Nobody whose host is slow takes the calls of others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;
use writ_wire::host::host_name;

/// Calls at once for clients that an operator registered, together and to one host.
const MAX_REGISTERED_CALLS: usize = 64;
const MAX_REGISTERED_CALLS_TO_HOST: usize = 16;
/// Calls at once for guests that a stranger names, together and to one host.
const MAX_VISIT_CALLS: usize = 32;
const MAX_VISIT_CALLS_TO_HOST: usize = 4;
/// Calls at once for guests that a person is asked about or agreed to, together and to one host.
const MAX_KNOWN_GUEST_CALLS: usize = 32;
const MAX_KNOWN_GUEST_CALLS_TO_HOST: usize = 4;

/// For whom a call is made; each has calls of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallReason {
    /// A client that an operator registered.
    Registered,
    /// A guest that somebody names who proved nothing.
    Visit,
    /// A guest that a signed-in person is asked about, or that somebody agreed to before.
    KnownGuest,
}

/// The most calls at once.
struct Most {
    together: usize,
    to_host: usize,
}

impl CallReason {
    const fn most(self) -> Most {
        let (together, to_host) = match self {
            Self::Registered => (MAX_REGISTERED_CALLS, MAX_REGISTERED_CALLS_TO_HOST),
            Self::Visit => (MAX_VISIT_CALLS, MAX_VISIT_CALLS_TO_HOST),
            Self::KnownGuest => (MAX_KNOWN_GUEST_CALLS, MAX_KNOWN_GUEST_CALLS_TO_HOST),
        };
        Most { together, to_host }
    }
}

/// The calls under way.
#[derive(Default)]
pub(super) struct CallLimits(Mutex<CallsUnderWay>);

/// Hosts without a call have no entry.
type CallsUnderWay = HashMap<CallReason, HashMap<String, usize>>;

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
        let hosts = under_way.entry(reason).or_default();
        let to_host = hosts.get(&host).copied().unwrap_or_default();
        if hosts.values().sum::<usize>() >= most.together || to_host >= most.to_host {
            return None;
        }
        hosts.insert(host.clone(), to_host + 1);
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
        let hosts = under_way.entry(self.reason).or_default();
        if let Some(calls) = hosts.get_mut(&self.host) {
            *calls = calls.saturating_sub(1);
        }
        hosts.retain(|_, calls| *calls > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONS: [CallReason; 3] = [
        CallReason::Registered,
        CallReason::Visit,
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
        assert!(limits.under_way().values().all(HashMap::is_empty));
    }
}
