//! What became of consents that are decided on another device than the browser that asks.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::kept;

pub struct ElsewhereMetrics(Family<ElsewhereLabel, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ElsewhereLabel {
    result: &'static str,
}

/// What became of such a consent, on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedElsewhere {
    /// The person was asked on their device.
    Asked,
    /// The browser that asked went on with a code.
    Granted,
    Denied,
    /// A yes in the browser that asks.
    RefusedHere,
}

impl CountedElsewhere {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::RefusedHere => "refused_here",
        }
    }
}

impl ElsewhereMetrics {
    pub(super) fn kept(all: &mut Registry) -> Self {
        let help = "consents on another device than the browser that asks, by what became of them";
        Self(kept(all, "consents_elsewhere", help))
    }

    pub fn count(&self, result: CountedElsewhere) {
        let result = result.as_str();
        self.0.get_or_create(&ElsewhereLabel { result }).inc();
    }
}
