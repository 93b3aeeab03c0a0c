//! Numbers that every parser reads alike (RFC 8259 section 6, RFC 7493 section 2.2). A number is an IEEE double, and its canonical text is
//! what ECMAScript writes (RFC 8785 section 3.2.2.3): the fewest digits that tell it from its neighbours. A text is taken if it has those
//! digits, in whatever notation: who reads decimals finds the same number as who reads doubles. Of an integer beyond 2^53 - 1 that is
//! written without an exponent, here or in the canonical text, those digits must be the double itself: some readers take it for an integer.

use serde_json::Number;

/// The largest integer that a double holds exactly with its neighbours (RFC 7493 section 2.2).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
const DOUBLE_INTEGER: f64 = MAX_INTEGER as f64;
/// From here on the canonical text has an exponent, which no reader takes for an integer.
const EXPONENT_FROM: f64 = 1e21;
/// The most that is told of a number's text, in characters.
const MAX_TOLD: usize = 40;

/// Of the text of a number.
pub(super) fn is_exact(text: &str) -> bool {
    let written = DecimalText::of(text);
    if written.as_ref().is_some_and(DecimalText::is_zero) {
        return true;
    }
    let Some(double) = text.parse::<f64>().ok().filter(|double| double.is_finite()) else {
        return false;
    };
    let is_integers_text = !text.contains(['.', 'e', 'E']);
    let reads_as_integer = is_integers_text || double.abs() < EXPONENT_FROM;
    let is_beyond = double.abs() > DOUBLE_INTEGER;
    written == canonical(double) && (!is_beyond || !reads_as_integer || is_its_digits(double))
}

pub(super) fn is_exact_value(number: &Number) -> bool {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(double) => {
            serde_json_canonicalizer::to_string(&double).is_ok_and(|text| is_exact(&text))
        }
        None => is_exact(&number.to_string()),
    }
}

/// Integers as such, as far as 64 bits go, and no minus zero.
pub(super) fn normal(number: &Number) -> Number {
    let Some(double) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.clone();
    };
    // Without an exponent, and without a point where nothing stands behind it.
    let written = format!("{double}");
    let small = written.parse::<i64>().ok().map(Number::from);
    let large = || written.parse::<u64>().ok().map(Number::from);
    let whole = small.or_else(large);
    whole.unwrap_or_else(|| number.clone())
}

/// What is told of it to whoever wrote it.
pub(super) fn told(text: &str) -> String {
    text.chars().take(MAX_TOLD).collect()
}

/// Whether an integer is exactly what its fewest digits say, with zeros behind them. One that is has less than 80 bits.
fn is_its_digits(double: f64) -> bool {
    format!("{double}") == (double as i128).to_string()
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
