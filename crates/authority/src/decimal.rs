//! Exact decimal numbers as text (`412.00`) or JSON integers: money and counts without floats.
//! Fixed point with twelve decimal places, so that comparison and subtraction are integer arithmetic.

use std::fmt;

use serde_json::Value;

/// The most digits after the point.
pub const MAX_PLACES: usize = 12;
/// The most digits before the point.
pub const MAX_WHOLE_DIGITS: usize = 18;

/// A number with at most [`MAX_WHOLE_DIGITS`] digits before the point and [`MAX_PLACES`] after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    /// In units of 10^-12.
    units: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overspent {
    #[error("the amount is more than what is left of the budget")]
    TooMuch,
    #[error("a negative amount cannot be spent")]
    Negative,
}

/// Subtracts `amount` from `budget`. What is left is never negative and never more than `budget`.
pub fn spend(budget: Decimal, amount: Decimal) -> Result<Decimal, Overspent> {
    if amount.is_negative() {
        return Err(Overspent::Negative);
    }
    let rest = budget.units.checked_sub(amount.units);
    match rest {
        Some(units) if units >= 0 => Ok(Decimal { units }),
        _ => Err(Overspent::TooMuch),
    }
}

impl Decimal {
    pub const ZERO: Self = Self { units: 0 };

    /// Parses `-?digits(.digits)?` without leading zeros, sign `+`, exponent or spaces; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let fits = whole.len() <= MAX_WHOLE_DIGITS && fraction.len() <= MAX_PLACES;
        if whole.is_empty() || leading_zero || !fits {
            return None;
        }
        let units = read_digits(&format!("{whole}{fraction:0<MAX_PLACES$}"))?;
        Some(Self {
            units: if negative { -units } else { units },
        })
    }

    /// From decimal text or a JSON integer; `None` for a JSON number with a decimal point, which may be inexact.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Self::parse(&number.to_string())
            }
            _ => None,
        }
    }

    /// `None` on overflow.
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = Self {
            units: self.units.checked_add(other.units)?,
        };
        Self::parse(&sum.to_string())
    }

    /// Text with at least so many digits after the point: `412` becomes `412.00`.
    pub fn with_places(self, places: usize) -> String {
        let text = self.to_string();
        let places = places.min(MAX_PLACES);
        match text.split_once('.') {
            _ if places == 0 => text,
            Some((whole, fraction)) => format!("{whole}.{fraction:0<places$}"),
            None => format!("{text}.{:0<places$}", ""),
        }
    }

    pub const fn is_negative(self) -> bool {
        self.units < 0
    }
}

impl fmt::Display for Decimal {
    /// The shortest form: `412.00` becomes `412`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(MAX_PLACES as u32);
        let size = self.units.unsigned_abs();
        let fraction = format!("{:0>MAX_PLACES$}", size % one);
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.is_negative() { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", size / one)
    }
}

fn read_digits(text: &str) -> Option<i128> {
    let all_digits = text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn exact_where_floats_are_not() {
        let rest = spend(decimal("0.3"), decimal("0.1")).unwrap();
        assert_eq!(rest, decimal("0.2"));
        assert_eq!(rest.to_string(), "0.2");
        assert!(decimal("9007199254740993") > decimal("9007199254740992"));
        assert!(decimal("412.00") == decimal("412"));
        assert!(decimal("9") < decimal("10"));
        assert!(decimal("-2") < decimal("-1.5"));
    }

    #[test]
    fn one_way_to_write_each_number() {
        for (text, written) in [
            ("412.00", "412"),
            ("-0", "0"),
            ("0.50", "0.5"),
            ("-7.010", "-7.01"),
        ] {
            assert_eq!(decimal(text).to_string(), written);
        }
        let largest = "999999999999999999.999999999999";
        assert_eq!(decimal(largest).to_string(), largest);
    }

    #[test]
    fn sums_are_exact_and_end_where_numbers_end() {
        let sum = decimal("0.1").plus(decimal("0.2")).unwrap();
        assert_eq!(sum, decimal("0.3"));
        let largest = decimal("999999999999999999.999999999999");
        assert_eq!(largest.plus(decimal("0.000000000001")), None);
        for (text, places, written) in [
            ("412", 2, "412.00"),
            ("412.5", 2, "412.50"),
            ("412.125", 2, "412.125"),
            ("412", 0, "412"),
            ("-1", 1, "-1.0"),
        ] {
            assert_eq!(decimal(text).with_places(places), written);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let bad = [
            "",
            "-",
            ".5",
            "5.",
            "+5",
            "05",
            "1e3",
            " 1",
            "1 ",
            "1,5",
            "0x1",
            "NaN",
            "١",
            "--1",
            "1.-2",
            "1000000000000000000",
            "0.0000000000001",
        ];
        for text in bad {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::from_value(&json!(5)), Some(decimal("5")));
        assert_eq!(Decimal::from_value(&json!(5.0)), None);
        assert_eq!(Decimal::from_value(&json!(null)), None);
        assert_eq!(Decimal::from_value(&json!(["5"])), None);
    }

    #[test]
    fn a_budget_is_never_overspent() {
        assert_eq!(spend(decimal("5"), decimal("5")), Ok(decimal("0")));
        assert_eq!(
            spend(decimal("5"), decimal("5.01")),
            Err(Overspent::TooMuch)
        );
        assert_eq!(spend(decimal("5"), decimal("-1")), Err(Overspent::Negative));
        assert_eq!(spend(decimal("-1"), decimal("0")), Err(Overspent::TooMuch));
    }
}
