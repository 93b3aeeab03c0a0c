//! Handles that the server gave to a caller: tasks, and the state of a call that needs input. Only who got one may use it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use writ_jose::hash::digest_text;
use writ_wire::time::Timestamp;

use crate::owner::Owner;

/// Handles that are remembered at once; beyond that none is taken from the server.
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

/// Each with the one that it was given to, who may be one of several.
#[derive(Default)]
pub(crate) struct Handles(Mutex<HashMap<String, Timestamp>>);

impl Handles {
    /// `false` where there is no room.
    pub(crate) fn keep(
        &self,
        kind: HandleKind,
        handle: &str,
        owner: &Owner,
        now: Timestamp,
    ) -> bool {
        let mut kept = self.kept();
        if kept.len() >= MAX_HANDLES {
            kept.retain(|_, until| now < *until);
        }
        let key = key(kind, handle, owner);
        let has_room = kept.len() < MAX_HANDLES || kept.contains_key(&key);
        if has_room {
            kept.insert(key, now.plus(LIFETIME));
        }
        has_room
    }

    pub(crate) fn is_of(
        &self,
        kind: HandleKind,
        handle: &str,
        owner: &Owner,
        now: Timestamp,
    ) -> bool {
        let kept = self.kept();
        let found = kept.get(&key(kind, handle, owner));
        found.is_some_and(|until| now < *until)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(kind: HandleKind, handle: &str, owner: &Owner) -> String {
    let kind = match kind {
        HandleKind::Task => "task",
        HandleKind::State => "state",
        HandleKind::Input => "input",
    };
    digest_text(&[kind, handle, owner.as_str()].map(str::as_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_handle_too_many_is_not_kept_until_others_are_over() {
        let handles = Handles::default();
        let (alice, now) = (
            Owner::named("alice"),
            Timestamp::from_seconds(1_790_000_000),
        );
        let keep =
            |handle: usize, now| handles.keep(HandleKind::Task, &handle.to_string(), &alice, now);
        let is_kept =
            |handle: usize, now| handles.is_of(HandleKind::Task, &handle.to_string(), &alice, now);
        assert!((0..MAX_HANDLES).all(|handle| keep(handle, now)));
        assert!(!keep(MAX_HANDLES, now) && !is_kept(MAX_HANDLES, now));
        assert!(keep(7, now) && is_kept(7, now), "it has its place");
        let over = now.plus(LIFETIME);
        assert!(keep(MAX_HANDLES, over) && is_kept(MAX_HANDLES, over));
        assert!(!is_kept(7, over));
    }
}
