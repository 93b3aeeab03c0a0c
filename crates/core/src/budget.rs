//! Rate limits of approval requests per person, per agent, per pair of both, and per resource server and person, so that an agent cannot get an approval by asking
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
/// Through one resource server to one person, whoever its caller is.
pub const MOST_PER_RESOURCE: u64 = 30;
/// Undecided at once, through one resource server to one person.
pub const MOST_OPEN_PER_RESOURCE: u64 = 5;
/// Unless the configuration says otherwise: before the same question may come again after a no, and before any other after a second
/// no in a row; each four times as long after each further one.
pub const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest that can be configured, and the usual one.
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
    /// Through one resource server to one person.
    pub per_resource: u64,
    /// Undecided at once, through one resource server to one person.
    pub open_per_resource: u64,
    pub pauses: Pauses,
}

/// How long an agent may not ask a person after that person's no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// Before the same question, after its first no.
    pub same: Duration,
    /// Before any other question, after the second no in a row: one no says nothing about other questions.
    pub other: Duration,
    /// The end of growing; at most [`LONGEST_PAUSE`].
    pub longest: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            same: FIRST_PAUSE,
            other: FIRST_PAUSE,
            longest: LONGEST_PAUSE,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_person: MOST_PER_PERSON,
            per_agent: MOST_PER_AGENT,
            per_pair: MOST_PER_PAIR,
            open_per_pair: MOST_OPEN,
            per_resource: MOST_PER_RESOURCE,
            open_per_resource: MOST_OPEN_PER_RESOURCE,
            pauses: Pauses::default(),
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
    /// Of the pair, whatever was asked.
    pub denied: Denials,
    /// Of the pair, of this very question.
    pub denied_same: Denials,
    /// Where a resource server asks.
    pub resource: ResourcePrompts,
}

/// What one resource server asked one person, whoever its callers were. Nothing, where no resource server asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourcePrompts {
    pub asked: u64,
    /// Undecided now.
    pub open: u64,
    pub denied: Denials,
    /// Of this very question.
    pub denied_same: Denials,
    /// Until when it asks this person nothing, because that person said "This was not me".
    pub silenced_until: Option<Timestamp>,
}

/// Answers of no since the last yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Denials {
    pub count: u64,
    pub last_at: Option<Timestamp>,
}

/// Why nobody is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The person said no just before.
    Denied,
    /// "This was not me" about a question of this resource server.
    Silenced,
    TooMany,
}

/// Nobody is asked now.
#[derive(Clone, Debug, PartialEq)]
pub struct OverBudget {
    pub why: Why,
    pub refusal: OAuthError,
    pub retry_after: Duration,
}

/// Whether one more question may be asked.
pub fn check(prompts: &Prompts, limits: &Limits, now: Timestamp) -> Result<(), OverBudget> {
    check_pauses(prompts, limits.pauses, now)?;
    let resource = &prompts.resource;
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
            resource.open,
            limits.open_per_resource,
            "too many questions of this resource to this person wait for an answer",
        ),
        (
            resource.asked,
            limits.per_resource,
            "this resource asked this person too often",
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
        Some((_, _, sentence)) => Err(over(Why::TooMany, sentence, COUNT_PAUSE)),
        None => Ok(()),
    }
}

/// After a no of the person, and after "This was not me".
fn check_pauses(prompts: &Prompts, pauses: Pauses, now: Timestamp) -> Result<(), OverBudget> {
    let Pauses {
        same,
        other,
        longest,
    } = pauses;
    let resource = &prompts.resource;
    let silence = resource
        .silenced_until
        .map_or(Duration::ZERO, |end| now.until(end));
    if !silence.is_zero() {
        let sentence = "the person wants no questions of this resource";
        return Err(over(Why::Silenced, sentence, silence));
    }
    let pause = |by_agent: Denials, by_resource: Denials, free, first| {
        let pauses = [by_agent, by_resource].map(|no| no.pause(free, first, longest, now));
        pauses.into_iter().max().unwrap_or_default()
    };
    let same = pause(prompts.denied_same, resource.denied_same, 0, same);
    let other = pause(prompts.denied, resource.denied, 1, other);
    if !same.is_zero() && same >= other {
        let sentence = "the person said no to this very question just now: ask later";
        return Err(over(Why::Denied, sentence, same));
    }
    if !other.is_zero() {
        let sentence = "the person said no several times just now: ask later";
        return Err(over(Why::Denied, sentence, other));
    }
    Ok(())
}

impl Denials {
    /// How long it still lasts; `free` of them cost nothing.
    fn pause(&self, free: u64, first: Duration, longest: Duration, now: Timestamp) -> Duration {
        let begun = self.count.checked_sub(free + 1).zip(self.last_at);
        let Some((earlier, last_at)) = begun else {
            return Duration::ZERO;
        };
        let factor = u32::try_from(earlier)
            .ok()
            .and_then(|times| 4u32.checked_pow(times));
        let grown = factor.map_or(longest, |factor| first.saturating_mul(factor));
        // A pause that is switched off does not grow.
        let pause = if first.is_zero() { first } else { grown };
        now.until(last_at.plus(pause.min(longest)))
    }
}

fn over(why: Why, sentence: &str, retry_after: Duration) -> OverBudget {
    OverBudget {
        why,
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

    fn denied(count: u64) -> Denials {
        Denials {
            count,
            last_at: Some(NOW),
        }
    }

    /// Of the same question; of another one after as many.
    fn pauses(count: u64, limits: &Limits) -> (u64, u64) {
        let other = Prompts {
            denied: denied(count),
            ..Prompts::default()
        };
        let same = Prompts {
            denied_same: denied(count),
            ..other
        };
        let waits = |prompts| {
            check(&prompts, limits, NOW).map_or_else(|over| over.retry_after.as_secs(), |()| 0)
        };
        (waits(same), waits(other))
    }

    fn pause(count: u64) -> u64 {
        pauses(count, &Limits::default()).0
    }

    #[test]
    fn after_a_denial_the_pause_grows() {
        let expected = [0, 60, 240, 960, 3840, 15_360, 61_440, 86_400, 86_400];
        let found: Vec<u64> = (0..9).map(pause).collect();
        assert_eq!(found, expected);
        assert_eq!(pause(u64::MAX), 86_400);
    }

    #[test]
    fn another_question_waits_later_and_shorter() {
        let others: Vec<u64> = (0..6).map(|n| pauses(n, &Limits::default()).1).collect();
        assert_eq!(others, [0, 0, 60, 240, 960, 3840]);
    }

    #[test]
    fn pauses_are_configured() {
        let seconds = Duration::from_secs;
        let with = |same, other, longest| Limits {
            pauses: Pauses {
                same: seconds(same),
                other: seconds(other),
                longest: seconds(longest),
            },
            ..Limits::default()
        };
        let found = |limits| (1..5).map(|n| pauses(n, &limits)).collect::<Vec<_>>();
        let grown = [(300, 0), (1200, 10), (2000, 40), (2000, 160)];
        assert_eq!(found(with(300, 10, 2000)), grown);
        let off = [(0, 0), (0, 0), (0, 0), (0, 0)];
        assert_eq!(found(with(0, 0, 86_400)), off);
        assert_eq!(found(with(60, 60, 0)), off);
    }

    #[test]
    fn the_pause_ends_to_the_second() {
        let prompts = Prompts {
            denied: denied(1),
            denied_same: denied(2),
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
        full(usual, |p, n| p.resource.asked = n, 30);
        full(usual, |p, n| p.resource.open = n, 5);
        let other = Limits {
            per_person: 61,
            per_agent: 2,
            per_pair: 21,
            open_per_pair: 7,
            per_resource: 3,
            open_per_resource: 4,
            ..usual
        };
        full(other, |p, n| p.person = n, 61);
        full(other, |p, n| p.agent = n, 2);
        full(other, |p, n| p.pair = n, 21);
        full(other, |p, n| p.open = n, 7);
        full(other, |p, n| p.resource.asked = n, 3);
        full(other, |p, n| p.resource.open = n, 4);
    }

    #[test]
    fn a_resource_pauses_as_an_agent_does_and_a_silence_is_the_longest() {
        let mut prompts = Prompts::default();
        prompts.resource.denied = denied(2);
        let wait = |prompts: &Prompts| {
            let over = usual(prompts, NOW).unwrap_err();
            (over.why, over.retry_after.as_secs())
        };
        assert_eq!(
            wait(&prompts),
            (Why::Denied, 60),
            "whoever its callers were"
        );
        prompts.resource.denied_same = denied(2);
        assert_eq!(wait(&prompts), (Why::Denied, 240), "the same question");
        prompts.denied_same = denied(3);
        assert_eq!(wait(&prompts), (Why::Denied, 960), "the longer one counts");
        prompts.resource.silenced_until = Some(NOW.plus(Duration::from_secs(90)));
        assert_eq!(wait(&prompts), (Why::Silenced, 90));
        let after = NOW.plus(Duration::from_secs(7200));
        assert_eq!(usual(&prompts, after), Ok(()));
    }
}
