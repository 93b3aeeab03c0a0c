//! Handles that the server gave to a caller: tasks, and the state of a call that needs input. Only who got one may use it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use writ_jose::hash::digest_text;
use writ_wire::time::Timestamp;

use crate::owner::Owner;

/// Handles that are remembered at once; beyond that the oldest of whoever has most is forgotten.
pub const MAX_HANDLES: usize = 10_000;
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Copy, Debug)]
pub(crate) enum HandleKind {
    Task,
    /// Of one call.
    State,
    /// What the server asked for, by name, in one call.
    Input,
}

/// By the one that they were given to; the same handle may be of several.
#[derive(Default)]
pub(crate) struct Handles(Mutex<KeptHandles>);

#[derive(Default)]
struct KeptHandles {
    count: usize,
    of: HashMap<Owner, HashMap<String, Timestamp>>,
}

impl Handles {
    pub(crate) fn keep(&self, kind: HandleKind, handle: &str, owner: &Owner, now: Timestamp) {
        let mut kept = self.kept();
        if kept.count >= MAX_HANDLES {
            kept.forget_ended(now);
        }
        let own = kept.of.entry(owner.clone()).or_default();
        let is_new = own.insert(key(kind, handle), now.plus(LIFETIME)).is_none();
        kept.count += usize::from(is_new);
        if kept.count > MAX_HANDLES {
            kept.forget_one_of_most();
        }
    }

    pub(crate) fn is_of(
        &self,
        kind: HandleKind,
        handle: &str,
        owner: &Owner,
        now: Timestamp,
    ) -> bool {
        let kept = self.kept();
        let own = kept.of.get(owner);
        let until = own.and_then(|own| own.get(&key(kind, handle)));
        until.is_some_and(|until| now < *until)
    }

    fn kept(&self) -> MutexGuard<'_, KeptHandles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptHandles {
    fn forget_ended(&mut self, now: Timestamp) {
        self.of.retain(|_, own| {
            own.retain(|_, until| now < *until);
            !own.is_empty()
        });
        self.count = self.of.values().map(HashMap::len).sum();
    }

    /// Nobody's handles keep out another's: who takes many loses its own.
    fn forget_one_of_most(&mut self) {
        let Some(most) = self.of.values_mut().max_by_key(|own| own.len()) else {
            return;
        };
        let oldest = most.iter().min_by_key(|(_, until)| **until);
        let oldest = oldest.map(|(key, _)| key.clone());
        if oldest.is_some_and(|key| most.remove(&key).is_some()) {
            self.count -= 1;
        }
    }
}

fn key(kind: HandleKind, handle: &str) -> String {
    let kind = match kind {
        HandleKind::Task => "task",
        HandleKind::State => "state",
        HandleKind::Input => "input",
    };
    digest_text(&[kind, handle].map(str::as_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn who_takes_many_keeps_nobody_out() {
        let handles = Handles::default();
        let (greedy, other) = (Owner::named("greedy"), Owner::named("other"));
        let take = |of: &str, seconds| handles.keep(HandleKind::Task, of, &greedy, at(seconds));
        take("first", 0);
        for number in 0..MAX_HANDLES {
            take(&number.to_string(), 1);
        }
        for handle in ["a", "b", "c"] {
            handles.keep(HandleKind::Task, handle, &other, at(0));
        }
        for number in 0..10 {
            take(&format!("more {number}"), 2);
        }
        let is_of = |handle: &str, owner| handles.is_of(HandleKind::Task, handle, owner, at(3));
        for handle in ["a", "b", "c"] {
            assert!(is_of(handle, &other) && !is_of(handle, &greedy));
        }
        assert!(is_of("more 9", &greedy) && !is_of("first", &greedy));
        let kept = handles.kept();
        let all: usize = kept.of.values().map(HashMap::len).sum();
        assert_eq!((kept.count, all), (MAX_HANDLES, MAX_HANDLES));
    }

    #[test]
    fn what_ended_makes_room_first() {
        let handles = Handles::default();
        let (early, late) = (Owner::named("early"), Owner::named("late"));
        let later = at(LIFETIME.as_secs());
        for number in 0..MAX_HANDLES {
            handles.keep(HandleKind::State, &number.to_string(), &early, at(0));
        }
        handles.keep(HandleKind::State, "same", &late, later);
        handles.keep(HandleKind::State, "same", &late, later);
        assert!(handles.is_of(HandleKind::State, "same", &late, later));
        assert!(!handles.is_of(HandleKind::Input, "same", &late, later));
        assert_eq!(handles.kept().count, 1);
    }
}
