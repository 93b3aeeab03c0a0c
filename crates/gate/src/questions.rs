//! Questions that calls wait for. Each is asked to its end, and cancelled when the last call that waits for it is gone, whatever ended
//! that call. A gate that ends waits for this, so that nobody is left with a question whose answer nobody hears.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use writ_verifier::{NotPermitted, OpenQuestion};

/// How long a gate that ends waits for the issuer to take what it cancels.
const CANCELLED_WITHIN: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct Questions {
    /// How many calls wait for a question, by its id: the same question of several calls is one.
    waiting: Mutex<HashMap<String, usize>>,
    /// Questions that are being asked, waited for or cancelled.
    unfinished: watch::Sender<usize>,
    is_ending: watch::Sender<bool>,
}

impl Questions {
    /// Asks, also where the call is gone meanwhile: a question whose id nobody heard could not be cancelled.
    pub(crate) async fn hold<A>(self: &Arc<Self>, asking: A) -> Result<HeldQuestion, NotPermitted>
    where
        A: Future<Output = Result<OpenQuestion, NotPermitted>> + Send + 'static,
    {
        let unfinished = Unfinished::begin(self);
        let asked = tokio::spawn(async move {
            let question = asking.await?;
            Ok(HeldQuestion::new(question, unfinished))
        });
        asked.await.unwrap_or_else(|error| {
            Err(NotPermitted::Unavailable {
                what: "the person could not be asked",
                cause: error.to_string(),
            })
        })
    }

    /// From now on no call is held.
    pub(crate) fn end(&self) {
        self.is_ending.send_replace(true);
    }

    pub(crate) fn is_ending(&self) -> bool {
        *self.is_ending.borrow()
    }

    /// Resolves when the gate ends.
    pub(crate) async fn ending(&self) {
        let mut is_ending = self.is_ending.subscribe();
        // The sender lives as long as `self`.
        drop(is_ending.wait_for(|ending| *ending).await);
    }

    /// Resolves when no call waits, and what was cancelled is so at the issuer; or after a while.
    pub(crate) async fn finished(&self) {
        let mut unfinished = self.unfinished.subscribe();
        let finished = unfinished.wait_for(|count| *count == 0);
        if timeout(CANCELLED_WITHIN, finished).await.is_err() {
            tracing::warn!("a question could not be cancelled in time");
        }
    }

    /// Whether it was the last call that waited for this question.
    fn leave(&self, question: &str) -> bool {
        let mut waiting = self.waiting();
        match waiting.get_mut(question) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => {
                waiting.remove(question);
                true
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counted until it is dropped.
struct Unfinished(Arc<Questions>);

impl Unfinished {
    fn begin(questions: &Arc<Questions>) -> Self {
        questions.unfinished.send_modify(|count| *count += 1);
        Self(Arc::clone(questions))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.unfinished.send_modify(|count| *count -= 1);
    }
}

/// A question that a call waits for. Dropped with the call, it is cancelled, unless another call waits for it too.
pub(crate) struct HeldQuestion {
    pub(crate) question: OpenQuestion,
    is_left: bool,
    unfinished: Unfinished,
}

impl HeldQuestion {
    fn new(question: OpenQuestion, unfinished: Unfinished) -> Self {
        let id = question.id().to_owned();
        *unfinished.0.waiting().entry(id).or_default() += 1;
        Self {
            question,
            is_left: false,
            unfinished,
        }
    }

    /// It stays open: the call comes again for its answer.
    pub(crate) fn keep(mut self) {
        self.leave();
    }

    /// Nobody waits for it any more, also at the issuer.
    pub(crate) async fn end(mut self) {
        if self.leave() {
            cancel(&self.question).await;
        }
    }

    /// Whether it is to be cancelled.
    fn leave(&mut self) -> bool {
        let was_left = std::mem::replace(&mut self.is_left, true);
        !was_left
            && self.unfinished.0.leave(self.question.id())
            && self.question.decision().is_none()
    }
}

impl Drop for HeldQuestion {
    fn drop(&mut self) {
        if self.leave() {
            let unfinished = Unfinished::begin(&self.unfinished.0);
            let question = self.question.clone();
            tokio::spawn(async move {
                cancel(&question).await;
                drop(unfinished);
            });
        }
    }
}

async fn cancel(question: &OpenQuestion) {
    if let Err(error) = question.cancel().await {
        tracing::info!(%error, "a question could not be cancelled");
    }
}
