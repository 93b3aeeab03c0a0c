//! The judges live in `tests`.
