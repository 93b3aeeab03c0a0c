//! Parses and validates the fields of the settings form.

use writ_pages::QuietView;
use writ_wire::form::Form;

/// Minutes east of UTC, from UTC-12 to UTC+14.
const OFFSETS: std::ops::RangeInclusive<i32> = -720..=840;
const USER_CODE: std::ops::RangeInclusive<usize> = 4..=32;

/// When a person is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypedQuiet {
    /// None if both times are empty.
    pub(super) hours: Option<QuietView>,
    /// Of the person's clock, where the form asks for it.
    pub(super) offset_minutes: Option<i32>,
}

pub(super) fn quiet(form: &Form) -> Option<TypedQuiet> {
    let field = |name| form.optional(name).ok();
    let hours = match (field("from")?, field("until")?) {
        (None, None) => None,
        (from, until) => Some(QuietView {
            from: minutes(from?)?,
            until: minutes(until?)?,
        }),
    };
    let offset = field("offset")?.map(|minutes| minutes.parse::<i32>());
    let offset = offset.transpose().ok()?;
    let known = offset.is_none_or(|minutes| OFFSETS.contains(&minutes));
    let sensible = hours.is_none_or(|hours| hours.from != hours.until);
    (sensible && known).then_some(TypedQuiet {
        hours,
        offset_minutes: offset,
    })
}

/// `22:00`, as `<input type="time">` sends it.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, below: u16| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = digits.parse().ok()?;
        (plain && number < below).then_some(number)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// CIBA section 7.1: 4 to 32 characters that can be typed.
pub(super) fn is_user_code(text: &str) -> bool {
    USER_CODE.contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, until: &str, offset: &str) -> Option<(Option<QuietView>, Option<i32>)> {
        let body = format!("from={from}&until={until}&offset={offset}");
        let typed = quiet(&Form::parse(body.as_bytes()).unwrap())?;
        Some((typed.hours, typed.offset_minutes))
    }

    #[test]
    fn quiet_hours_are_times_of_a_day() {
        let night = QuietView {
            from: 22 * 60,
            until: 7 * 60 + 30,
        };
        assert_eq!(
            asked("22:00", "07:30", "120"),
            Some((Some(night), Some(120)))
        );
        assert_eq!(asked("", "", "-300"), Some((None, Some(-300))));
        assert_eq!(asked("", "", ""), Some((None, None)));
        for (from, until, offset) in [
            ("22:00", "", "0"),
            ("24:00", "07:00", "0"),
            ("22:60", "07:00", "0"),
            ("22", "07:00", "0"),
            ("2:00", "07:00", "0"),
            ("+2:00", "07:00", "0"),
            ("22:00", "22:00", "0"),
            ("22:00", "07:00", "841"),
            ("22:00", "07:00", "-721"),
            ("22:00", "07:00", "x"),
        ] {
            assert_eq!(asked(from, until, offset), None, "{from} {until} {offset}");
        }
    }

    #[test]
    fn ciba_7_1_a_user_code_has_4_to_32_characters() {
        for code in ["1234", "über", &"x".repeat(32)] {
            assert!(is_user_code(code), "{code}");
        }
        for code in ["123", &"x".repeat(33), "12\n4"] {
            assert!(!is_user_code(code), "{code}");
        }
    }
}
