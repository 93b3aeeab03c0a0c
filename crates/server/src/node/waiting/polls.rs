//! The long polls of a node, by request. A client polls once for what it asked (CIBA section 10.1.1); a resource server has one poll for
//! each call that waits for the same question, and all of them hear of its end.

use std::collections::HashMap;

use tokio::sync::oneshot;
use writ_core::id::ApprovalId;

use super::{AskedBy, StoppedQuestions};

/// Long polls of one node at once; one more is answered at once.
pub const MAX_POLLS: usize = 32_768;
/// Of them for one question of a resource server; one more ends the one that has waited longest.
pub const MAX_POLLS_OF_QUESTION: usize = 16;

#[derive(Default)]
pub(super) struct Polls {
    /// The one that has waited longest first; never an empty list.
    by_request: HashMap<ApprovalId, Vec<Poll>>,
    count: usize,
    /// Tells the polls of one request apart.
    next: u64,
}

struct Poll {
    number: u64,
    asked: AskedBy,
    wake: oneshot::Sender<()>,
}

impl Polls {
    /// Its number, and where it is woken; `None` if there is no room.
    pub(super) fn add(
        &mut self,
        id: &ApprovalId,
        asked: AskedBy,
    ) -> Option<(u64, oneshot::Receiver<()>)> {
        let most = match asked.resource {
            Some(_) => MAX_POLLS_OF_QUESTION,
            None => 1,
        };
        let is_replaced = self.by_request.get(id).is_some_and(|own| own.len() >= most);
        if self.count >= MAX_POLLS && !is_replaced {
            return None;
        }
        let (wake, woken) = oneshot::channel();
        self.next = self.next.wrapping_add(1);
        let poll = Poll {
            number: self.next,
            asked,
            wake,
        };
        let own = self.by_request.entry(id.clone()).or_default();
        match is_replaced {
            // Dropping the earlier sender ends the earlier wait.
            true => drop(own.remove(0)),
            false => self.count += 1,
        }
        own.push(poll);
        Some((self.next, woken))
    }

    pub(super) fn wake(&mut self, id: &ApprovalId) {
        let woken = self.by_request.remove(id).unwrap_or_default();
        self.count -= woken.len();
        wake(woken);
    }

    pub(super) fn wake_stopped(&mut self, stopped: &StoppedQuestions) {
        // All polls of a request are of the same question.
        let is_stopped = |polls: &[Poll]| {
            let first = polls.first();
            first.is_some_and(|poll| poll.asked.is_among(stopped))
        };
        let woken = self.by_request.extract_if(|_, polls| is_stopped(polls));
        let woken: Vec<Poll> = woken.flat_map(|(_, polls)| polls).collect();
        self.count -= woken.len();
        wake(woken);
    }

    pub(super) fn remove(&mut self, id: &ApprovalId, number: u64) {
        let Some(own) = self.by_request.get_mut(id) else {
            return;
        };
        let before = own.len();
        own.retain(|poll| poll.number != number);
        self.count -= before - own.len();
        if own.is_empty() {
            self.by_request.remove(id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.by_request.clear();
        self.count = 0;
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn wake(polls: Vec<Poll>) {
    for poll in polls {
        // A client that disconnected in the meantime needs no waking.
        let _ = poll.wake.send(());
    }
}
