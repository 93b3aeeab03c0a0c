//! Where a world's random numbers begin.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::thread;

/// Of the test's name, so that each run draws the same numbers; `WRIT_TEST_SEED`, any text, makes them others.
pub(super) fn seed() -> u64 {
    thread_local! {
        static WORLDS: Cell<u32> = const { Cell::new(0) };
    }
    let chosen = std::env::var("WRIT_TEST_SEED").unwrap_or_default();
    println!("WRIT_TEST_SEED is `{chosen}`");
    let world = WORLDS.replace(WORLDS.get() + 1);
    let mut hasher = DefaultHasher::new();
    (chosen, thread::current().name(), world).hash(&mut hasher);
    hasher.finish()
}
