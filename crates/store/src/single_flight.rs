//! What many requests want at once and one of them does for all, such as reading the configuration again. Nobody waits longer for it
//! than for the database itself, and nobody tries anew what failed while they waited: one after the other they would wait for ever.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::deadline::{no_answer, within};
use crate::error::{Result, StoreError};
use crate::store::Store;

/// Whoever waits for it must hold no connection: those that are at it may need one.
#[derive(Default)]
pub struct SingleFlight {
    turn: Mutex<()>,
    failures: AtomicU64,
}

impl SingleFlight {
    /// What is `known` once nobody else is at it, else what this `work` comes to.
    pub async fn share<T>(
        &self,
        store: &Store,
        known: impl Fn() -> Option<T>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let failures = self.failures.load(Ordering::SeqCst);
        let deadline = store.deadlines().for_request()?;
        let _turn = within(deadline, async { Ok(self.turn.lock().await) }).await?;
        if let Some(known) = known() {
            return Ok(known);
        }
        if self.failures.load(Ordering::SeqCst) != failures {
            return Err(StoreError::Unavailable(no_answer()));
        }
        let done = work.await;
        if matches!(&done, Err(error) if error.is_unavailable()) {
            self.failures.fetch_add(1, Ordering::SeqCst);
        }
        done
    }
}
