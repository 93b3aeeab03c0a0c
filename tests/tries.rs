//! How often a scene tries what must never happen. A run of all tests tries each case a few times; `WRIT_TRIES` says how often instead.

/// So often, unless `WRIT_TRIES` says otherwise.
pub fn tries(usual: usize) -> usize {
    let said = std::env::var("WRIT_TRIES").ok();
    said.map_or(usual, |tries| tries.parse().unwrap())
}
