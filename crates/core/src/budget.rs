//! Rate limits of approval requests per person, per agent and per pair of both, so that an agent cannot get an approval by asking
//! again and again. Beyond a limit nobody is asked, and a denial delays the next request.

use std::time::Duration;

use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use crate::oauth_error::OAuthError;

/// The counts of prompts are those of the last hour.
pub const WINDOW: Duration = Duration::from_secs(3600);
/// Unless the configuration says otherwise.
pub const MOST_PER_PERSON: u64 = 60;
pub const MOST_PER_AGENT: u64 = 600;
/// One agent to one person.
pub const MOST_PER_PAIR: u64 = 20;
/// Undecided at once, of one agent to one person.
pub const MOST_OPEN: u64 = 5;
/// After the first no in a row; four times as long after each further one.
pub const FIRST_PAUSE: Duration = Duration::from_secs(60);
pub const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// What a client is told to wait when a count is reached; when it falls is nobody's business.
const COUNT_PAUSE: Duration = Duration::from_secs(900);

/// How many questions are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To one person, by whomever.
    pub per_person: u64,
    /// Of one agent, to whomever.
    pub per_agent: u64,
    /// Of one agent to one person.
    pub per_pair: u64,
    /// Undecided at once, of one agent to one person.
    pub open_per_pair: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_person: MOST_PER_PERSON,
            per_agent: MOST_PER_AGENT,
            per_pair: MOST_PER_PAIR,
            open_per_pair: MOST_OPEN,
        }
    }
}

/// How often was asked since [`WINDOW`] began, and what was denied since [`LONGEST_PAUSE`] began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    pub person: u64,
    pub agent: u64,
    pub pair: u64,
    /// Of the pair, undecided now.
    pub open: u64,
    /// Of the pair, in a row.
    pub denials: u64,
    pub last_denied_at: Option<Timestamp>,
}

/// Nobody is asked now.
#[derive(Clone, Debug, PartialEq)]
pub struct OverBudget {
    pub refusal: OAuthError,
    pub retry_after: Duration,
}

/// Whether one more question may be asked.
pub fn check(prompts: &Prompts, limits: &Limits, now: Timestamp) -> Result<(), OverBudget> {
    let waiting = now.until(paused_until(prompts).unwrap_or(now));
    if !waiting.is_zero() {
        return Err(over("the person said no just now: ask later", waiting));
    }
    let counts = [
        (
            prompts.open,
            limits.open_per_pair,
            "too many questions to this person wait for an answer",
        ),
        (
            prompts.pair,
            limits.per_pair,
            "this client asked this person too often",
        ),
        (
            prompts.person,
            limits.per_person,
            "this person was asked too often",
        ),
        (
            prompts.agent,
            limits.per_agent,
            "this client asked too often",
        ),
    ];
    match counts.into_iter().find(|(count, most, _)| count >= most) {
        Some((_, _, sentence)) => Err(over(sentence, COUNT_PAUSE)),
        None => Ok(()),
    }
}

fn paused_until(prompts: &Prompts) -> Option<Timestamp> {
    let earlier = prompts.denials.checked_sub(1)?;
    let factor = u32::try_from(earlier)
        .ok()
        .and_then(|times| 4u32.checked_pow(times));
    let pause = factor.map_or(LONGEST_PAUSE, |factor| FIRST_PAUSE.saturating_mul(factor));
    Some(prompts.last_denied_at?.plus(pause.min(LONGEST_PAUSE)))
}

fn over(sentence: &str, retry_after: Duration) -> OverBudget {
    OverBudget {
        refusal: OAuthError::new(ErrorCode::AccessDenied, sentence),
        retry_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn usual(prompts: &Prompts, now: Timestamp) -> Result<(), OverBudget> {
        check(prompts, &Limits::default(), now)
    }

    fn pause(denials: u64) -> u64 {
        let prompts = Prompts {
            denials,
            last_denied_at: Some(NOW),
            ..Prompts::default()
        };
        usual(&prompts, NOW).map_or_else(|over| over.retry_after.as_secs(), |()| 0)
    }

    #[test]
    fn after_a_denial_the_pause_grows() {
        let expected = [0, 60, 240, 960, 3840, 15_360, 61_440, 86_400, 86_400];
        let found: Vec<u64> = (0..9).map(pause).collect();
        assert_eq!(found, expected);
        assert_eq!(pause(u64::MAX), 86_400);
    }

    #[test]
    fn the_pause_ends_to_the_second() {
        let prompts = Prompts {
            denials: 2,
            last_denied_at: Some(NOW),
            ..Prompts::default()
        };
        let at = |seconds| usual(&prompts, NOW.plus(Duration::from_secs(seconds)));
        assert_eq!(at(239).unwrap_err().retry_after.as_secs(), 1);
        assert_eq!(at(240), Ok(()));
    }

    #[test]
    fn each_count_has_a_limit() {
        let full = |limits: Limits, change: fn(&mut Prompts, u64), most| {
            let mut prompts = Prompts::default();
            change(&mut prompts, most - 1);
            assert_eq!(check(&prompts, &limits, NOW), Ok(()));
            change(&mut prompts, most);
            let refused = check(&prompts, &limits, NOW).unwrap_err();
            assert_eq!(refused.refusal.code, ErrorCode::AccessDenied);
            assert!(!refused.retry_after.is_zero());
        };
        let usual = Limits::default();
        full(usual, |p, n| p.person = n, 60);
        full(usual, |p, n| p.agent = n, 600);
        full(usual, |p, n| p.pair = n, 20);
        full(usual, |p, n| p.open = n, 5);
        let other = Limits {
            per_person: 61,
            per_agent: 2,
            per_pair: 21,
            open_per_pair: 7,
        };
        full(other, |p, n| p.person = n, 61);
        full(other, |p, n| p.agent = n, 2);
        full(other, |p, n| p.pair = n, 21);
        full(other, |p, n| p.open = n, 7);
    }
}
