//! Which catalogue was compared with what waits for people: a change ends questions that were asked under the one before.

use std::sync::{Arc, Mutex, PoisonError};

use super::registry::Catalogue;

/// The catalogue with which this process compared last what waits for people.
#[derive(Default)]
pub struct ComparedCatalogue(Mutex<Option<Arc<Catalogue>>>);

impl ComparedCatalogue {
    pub fn is(&self, catalogue: &Arc<Catalogue>) -> bool {
        let compared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        compared
            .as_ref()
            .is_some_and(|one| Arc::ptr_eq(one, catalogue))
    }

    pub fn keep(&self, catalogue: Arc<Catalogue>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(catalogue);
    }
}
