//! What the checks of this folder find and nobody has mended yet: how often, and where. An entry may only become smaller: a check
//! fails when it finds more, and when it finds less than stands here.

/// By check: place and count.
pub(super) const STILL_TO_MEND: &[(&str, &[(&str, usize)])] = &[];
