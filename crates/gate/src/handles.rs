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
    State,
}

#[derive(Default)]
pub(crate) struct Handles(Mutex<HashMap<String, (Owner, Timestamp)>>);

impl Handles {
    /// `false` where it is another's, or there is no room.
    pub(crate) fn keep(
        &self,
        kind: HandleKind,
        handle: &str,
        owner: &Owner,
        now: Timestamp,
    ) -> bool {
        let mut kept = self.kept();
        if kept.len() >= MAX_HANDLES {
            kept.retain(|_, (_, until)| now < *until);
        }
        let key = key(kind, handle);
        let room = kept.len() < MAX_HANDLES;
        match kept.get(&key) {
            Some((of, until)) if now < *until && of != owner => false,
            Some(_) => true,
            None if !room => false,
            None => {
                kept.insert(key, (owner.clone(), now.plus(LIFETIME)));
                true
            }
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
        let found = kept.get(&key(kind, handle));
        found.is_some_and(|(of, until)| of == owner && now < *until)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, (Owner, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(kind: HandleKind, handle: &str) -> String {
    let kind = match kind {
        HandleKind::Task => "task",
        HandleKind::State => "state",
    };
    digest_text(&[kind.as_bytes(), handle.as_bytes()])
}
