//! An amount and an account as they stand on the first screen of an approval.

use super::Texts;

/// An amount that no line break parts.
pub(super) struct AmountHead {
    pub(super) text: String,
    /// The class by which it fits: the longer, the smaller.
    pub(super) size: &'static str,
}

impl AmountHead {
    pub(super) fn of(value: &str, unit: &str, texts: &Texts) -> Self {
        let text = texts.amount(value, unit);
        let size = match text.chars().count() {
            0..=12 => "large",
            13..=18 => "middle",
            19..=24 => "small",
            _ => "least",
        };
        Self { text, size }
    }
}

/// `NL91 ABNA 0417 1643 00`; nothing of what is no number of an account.
pub(super) fn in_fours(account: &str) -> Option<String> {
    let is_number = account.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_number.then(|| writ_authority::fours(account))
}
