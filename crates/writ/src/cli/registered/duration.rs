//! How long something is, as an argument says it.

use std::time::Duration;

/// `90s`, `15m`, `24h` or `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        _ => 0,
    };
    let digits = text.get(..text.len().saturating_sub(1));
    let number = digits.and_then(|digits| digits.parse::<u64>().ok());
    number
        .filter(|_| unit > 0)
        .and_then(|number| number.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or_else(|| "a number with s, m, h or d, such as `24h`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_a_unit() {
        assert_eq!(duration("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for bad in [
            "",
            "24",
            "h",
            "-1h",
            "1.5h",
            "1w",
            "99999999999999999999d",
            "1ü",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
