//! What each way needs.
