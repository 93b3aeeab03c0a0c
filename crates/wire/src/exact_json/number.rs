//! Numbers that every parser reads alike (RFC 8259 section 6, RFC 7493 section 2.2). A number is an IEEE double, and its canonical text is
//! what ECMAScript writes (RFC 8785 section 3.2.2.3): the fewest digits that tell it from its neighbours. With a fraction or an exponent it
//! is a double for all (ECMA-262 section 25.5.1, Python's `json`), and is taken if it has those digits, in whatever notation: who reads
//! decimals finds them too. Without them some readers take it for an integer, so it is taken if it is the double itself.

use serde_json::Number;

/// The most that is told of a number's text, in characters.
pub(super) const MAX_TOLD: usize = 40;

/// Of the text of a number.
pub(super) fn is_exact(text: &str) -> bool {
    let written = DecimalText::of(text);
    if written.as_ref().is_some_and(DecimalText::is_zero) {
        return true;
    }
    let Some(double) = text.parse::<f64>().ok().filter(|double| double.is_finite()) else {
        return false;
    };
    match text.contains(['.', 'e', 'E']) {
        true => written == canonical(double),
        false => text == integer(double),
    }
}

/// Of a value that was read: what has a fraction or an exponent, or was too long for an integer, is a double already.
pub(super) fn is_exact_value(number: &Number) -> bool {
    let double = number.as_f64();
    number.is_f64() || double.is_some_and(|double| integer(double) == number.to_string())
}

/// Integers as such, as far as 64 bits go and where canonical text says the same, and no minus zero. What is left is written with an
/// exponent, or with a point: it stays a double for whoever reads it.
pub(super) fn normal(number: &Number) -> Number {
    let exact = number.as_f64().filter(|_| is_exact_value(number));
    let Some(double) = exact else {
        return number.clone();
    };
    // The fewest digits, without an exponent, and without a point where nothing stands behind it.
    let written = format!("{double}");
    let small = written.parse::<i64>().ok().map(Number::from);
    let large = || written.parse::<u64>().ok().map(Number::from);
    let whole = small.or_else(large).filter(|_| written == integer(double));
    let double = || Number::from_f64(double);
    whole.or_else(double).unwrap_or_else(|| number.clone())
}

/// What is told of it to whoever wrote it.
pub(super) fn told(text: &str) -> String {
    text.chars().take(MAX_TOLD).collect()
}

/// All digits before the point of what a double is.
fn integer(double: f64) -> String {
    format!("{double:.0}")
}

/// Of two texts of one length that are equally near, one is canonical: not every shortest text is.
fn canonical(double: f64) -> Option<DecimalText> {
    let text = serde_json_canonicalizer::to_string(&double).ok()?;
    DecimalText::of(&text)
}

/// A number as it is written, in one notation: its digits without zeros around them, and the power of ten of the last one.
#[derive(PartialEq)]
struct DecimalText {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl DecimalText {
    /// `None` where the exponent is beyond every number.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = format!("{}{fraction}", whole.trim_start_matches('-'));
        let significant = written.trim_end_matches('0');
        let digits = significant.trim_start_matches('0').to_owned();
        let is_negative = text.starts_with('-');
        if digits.is_empty() {
            return Some(Self {
                is_negative,
                digits,
                exponent: 0,
            });
        }
        let zeros = i64::try_from(written.len() - significant.len()).ok()?;
        let behind = i64::try_from(fraction.len()).ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        Some(Self {
            is_negative,
            digits,
            exponent: exponent.checked_add(zeros)?.checked_sub(behind)?,
        })
    }

    /// With any sign: RFC 8785 section 3.2.2.3 writes one zero.
    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }
}
