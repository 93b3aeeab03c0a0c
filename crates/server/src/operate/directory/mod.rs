//! What operators look through, as plain values for whoever shows them: the operators' API, and pages. No value here has a secret: no
//! digest of one, no sealed text, no code.

pub mod approvals;
pub mod clients;
pub mod events;
pub mod keys;
pub mod people;
pub mod records;
pub mod tasks;

use schemars::JsonSchema;
use serde::Serialize;
use writ_store::StoreError;
use writ_wire::time::Timestamp;

/// The most members of one page, and how many there are where nobody says it.
pub const MAX_PAGE: u32 = 200;
pub const USUAL_PAGE: u32 = 50;

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// The cursor of the page before.
    pub after: Option<&'a str>,
    /// 1 to [`MAX_PAGE`].
    pub limit: u32,
}

/// A part of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DirectoryPage<T> {
    pub items: Vec<T>,
    /// Where the next part begins; absent after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<'a> PageRequest<'a> {
    /// One more than the page has: whether there is another one.
    const fn one_more(self) -> u32 {
        self.limit.saturating_add(1)
    }

    const fn beginning(self) -> &'a str {
        match self.after {
            Some(after) => after,
            None => "",
        }
    }

    /// Of `found`, which has one row more than the page where another page follows; `key` is what the next one begins after.
    pub fn page<R, V>(
        self,
        mut found: Vec<R>,
        key: impl Fn(&R) -> String,
        view: impl Fn(R) -> Result<V, StoreError>,
    ) -> Result<DirectoryPage<V>, StoreError> {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let follows = found.len() > most;
        found.truncate(most);
        let next = found.last().filter(|_| follows).map(key);
        let items = found.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(DirectoryPage { items, next })
    }
}

fn rfc3339(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.rfc3339())
}

/// JSON text of a row, as a value.
fn document(text: &str, what: &str) -> Result<serde_json::Value, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("{what}: {e}")))
}
