//! What is shown beside our own words is cleaned by `writ_core::words`.

pub use writ_authority::{legible, legible_block};
pub use writ_core::words::{LONGEST_WORDS, clean, plain};
