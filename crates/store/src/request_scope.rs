//! What the statements of one request share: its id, which its events carry, and how long it has waited for the database in all. It goes
//! along with the request's task, so that no query has to hand it on; work that runs by itself has none.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static CURRENT: RequestScope;
}

struct RequestScope {
    id: String,
    waited: Cell<Duration>,
}

/// Everything that `work` does with a database is of this request.
pub async fn in_request<T>(id: &str, work: impl Future<Output = T>) -> T {
    let scope = RequestScope {
        id: id.to_owned(),
        waited: Cell::new(Duration::ZERO),
    };
    CURRENT.scope(scope, work).await
}

/// The id of the request that is being answered.
pub(crate) fn current_id() -> Option<String> {
    CURRENT.try_with(|scope| scope.id.clone()).ok()
}

/// What is left of `limit`, which all waiting of one request may take.
pub(crate) fn left_of(limit: Duration) -> Duration {
    let waited = CURRENT.try_with(|scope| scope.waited.get());
    limit.saturating_sub(waited.unwrap_or_default())
}

/// Counts the time that `answer` takes.
pub(crate) async fn counted<T>(answer: impl Future<Output = T>) -> T {
    let asked = Instant::now();
    let answer = answer.await;
    // Not counted outside of a request.
    let _ = CURRENT.try_with(|scope| {
        let waited = scope.waited.get().saturating_add(asked.elapsed());
        scope.waited.set(waited);
    });
    answer
}
