//! Which letters and digits may stand in one word: letters of one script, digits of one system (UTS 39 sections 5.1 to 5.3). Words of scripts
//! without spaces between them end where another script begins, as in `SNS東京`; and a word of Latin may have an ending of most scripts, as
//! `PDFটি`, but none that is drawn like Latin.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, Script};

use crate::alike::{is_greek_like_ascii, is_like_latin, is_raised_within};
use crate::numbers;

/// What does not belong where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// A letter of another script than its word.
    Letter,
    /// A digit, a raised letter, or a letter in a number, and its place, counted from 1.
    LookAlike(char, usize),
}

/// The first in a line.
pub(crate) fn stranger(line: &[char]) -> Option<Stranger> {
    let words = spans(line, |c| joins_word(*c));
    let mut words = words.filter(|(_, word)| !word.iter().all(char::is_ascii));
    let in_word = words.find_map(|(start, word)| {
        let found = stranger_in_word(word).or_else(|| raised_letter(word));
        found.map(|found| found.moved(start))
    });
    in_word.or_else(|| numbers::stranger_in_number(line))
}

/// A letter or digit that a reader of ASCII does not expect: not of Latin, and not drawn as small as `²`.
pub(crate) fn is_foreign(c: char) -> bool {
    match kind(c) {
        Kind::Letter(script) => script != Script::Latin,
        Kind::OtherDigit => true,
        Kind::Digit | Kind::Neutral => false,
    }
}

pub(crate) fn is_east_asian(c: char) -> bool {
    matches!(
        script(c),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
    )
}

/// A letter of the scripts that are written with the signs of ASCII, or a digit of ASCII.
pub(crate) fn is_plain(c: char) -> bool {
    kind(c).is_plain_letter() || c.is_ascii_digit()
}

pub(crate) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && category(c) == GeneralCategory::DecimalNumber)
}

pub(crate) fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

impl Stranger {
    pub(crate) fn moved(self, by: usize) -> Self {
        match self {
            Self::Letter => Self::Letter,
            Self::LookAlike(c, at) => Self::LookAlike(c, at + by),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What is only a style, such as `ℂ`, `Ⓐ` and full width, is of the script Common.
    Letter(Script),
    Digit,
    OtherDigit,
    /// Belongs to what is before it: marks, raised letters, fractions.
    Neutral,
}

impl Kind {
    const fn is_plain_letter(self) -> bool {
        matches!(
            self,
            Self::Letter(Script::Latin | Script::Greek | Script::Cyrillic)
        )
    }
}

fn kind(c: char) -> Kind {
    use GeneralCategory as G;
    match (c, category(c), script(c)) {
        ('0'..='9', ..) => Kind::Digit,
        ('µ', ..) => Kind::Letter(Script::Greek),
        ('\u{ff21}'..='\u{ff5a}', ..) => Kind::Letter(Script::Common),
        (_, G::DecimalNumber, _) => Kind::OtherDigit,
        (_, G::ModifierLetter, Script::Latin) => Kind::Neutral,
        (_, G::UppercaseLetter | G::LowercaseLetter | G::OtherSymbol, Script::Common) => {
            Kind::Letter(Script::Common)
        }
        (_, _, Script::Common | Script::Inherited) => Kind::Neutral,
        (.., script) => Kind::Letter(script),
    }
}

fn stranger_in_word(word: &[char]) -> Option<Stranger> {
    let mut part = Part::default();
    let mut start = 0;
    let mut before = None;
    while let Some((kind, run, rest)) = first_run(word.get(start..).unwrap_or_default()) {
        let after = rest.first().map(|c| self::kind(*c));
        let touches = [before, after].map(|kind| kind.is_some_and(Kind::is_plain_letter));
        let like =
            touches != [false; 2] && run.iter().all(|c| is_drawn_above(*c) || is_like_latin(*c));
        let beside_digit = [before, after].contains(&Some(Kind::Digit));
        let place = start + 1;
        let first = *run.first()?;
        match kind {
            Kind::OtherDigit if like || touches == [true; 2] => {
                return Some(Stranger::LookAlike(first, place));
            }
            Kind::OtherDigit if touches != [false; 2] && !may_touch(first) => {
                return Some(Stranger::LookAlike(first, place));
            }
            Kind::Letter(_) if beside_digit && !may_touch(first) => {
                return Some(Stranger::LookAlike(first, place));
            }
            // The mark would be drawn on a letter of another script.
            Kind::Letter(_) if before.is_some() && is_drawn_above(first) => {
                return Some(Stranger::Letter);
            }
            Kind::Digit | Kind::OtherDigit => {
                if let Some(found) = part.odd_digit(first, place) {
                    return Some(found);
                }
            }
            Kind::Letter(_) if like => return Some(Stranger::Letter),
            Kind::Letter(script) if has_no_spaces(script) => part = Part::default(),
            Kind::Letter(script) => {
                if !part.takes_letters(script) && !is_symbol(word) && !is_formula(word) {
                    return Some(Stranger::Letter);
                }
            }
            Kind::Neutral => {}
        }
        before = Some(kind);
        start += run.len();
    }
    None
}

/// The longest beginning of one kind, and the rest.
fn first_run(word: &[char]) -> Option<(Kind, &[char], &[char])> {
    let first = kind(*word.first()?);
    let belongs = |c: &char| matches!(kind(*c), kind if kind == first || kind == Kind::Neutral);
    let end = word.iter().position(|c| !belongs(c)).unwrap_or(word.len());
    let (run, rest) = word.split_at_checked(end)?;
    Some((first, run, rest))
}

/// What is known of a word.
#[derive(Default)]
struct Part {
    has_latin: bool,
    /// A script beside Latin.
    other: Option<Script>,
    /// Stands behind letters of Latin.
    follows_latin: bool,
    /// The first, and its place.
    digit: Option<(char, usize)>,
}

impl Part {
    /// Whether letters of this script may come next.
    fn takes_letters(&mut self, script: Script) -> bool {
        if script == Script::Latin {
            self.has_latin = true;
            return self.other.is_none_or(is_affix) && !self.follows_latin;
        }
        self.follows_latin |= self.has_latin;
        let known = *self.other.get_or_insert(script);
        known == script && (!self.has_latin || is_affix(script))
    }

    /// The digit that is not of ASCII, if these are of two systems. Two widths are for `numbers.rs`.
    fn odd_digit(&mut self, digit: char, place: usize) -> Option<Stranger> {
        let (first, at) = *self.digit.get_or_insert((digit, place));
        let is_one =
            of_one_system(first, digit) || [first, digit].iter().all(|c| is_of_a_width(*c));
        (!is_one).then_some(match digit.is_ascii() {
            true => Stranger::LookAlike(first, at),
            false => Stranger::LookAlike(digit, place),
        })
    }
}

/// Scripts of UAX 31 table 5 whose words may stand directly before or behind a word of Latin (UTS 39 section 5.2, moderately
/// restrictive): none has capitals, and few letters are drawn like those of Latin.
fn is_affix(script: Script) -> bool {
    use Script as S;
    #[rustfmt::skip]
    let known = [
        S::Arabic, S::Bengali, S::Devanagari, S::Ethiopic, S::Gujarati, S::Gurmukhi, S::Hebrew, S::Kannada, S::Malayalam, S::Oriya,
        S::Sinhala, S::Tamil, S::Telugu, S::Thaana,
    ];
    known.contains(&script)
}

/// Scripts that have words of others between their own without a space, also in running text.
fn has_no_spaces(script: Script) -> bool {
    use Script as S;
    #[rustfmt::skip]
    let known = [
        S::Han, S::Hiragana, S::Katakana, S::Bopomofo, S::Hangul, S::Thai, S::Lao, S::Khmer, S::Myanmar, S::Tibetan,
    ];
    known.contains(&script)
}

/// Whether a letter may touch a digit of ASCII, and a digit a letter: those of scripts that few read pose as them.
fn may_touch(c: char) -> bool {
    use Script as S;
    let wide = matches!(c, '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff5a}' | 'ℓ');
    let script = script(c);
    wide || is_affix(script)
        || has_no_spaces(script)
        || matches!(
            script,
            S::Latin | S::Greek | S::Cyrillic | S::Armenian | S::Georgian | S::Yi
        )
        || c == 'µ'
}

/// Whether a word is a unit or a quantity such as `kΩ`, `µm`, `mℓ` and `ΔT`: one letter of Greek that is drawn like none of Latin, and
/// one or two others.
fn is_symbol(word: &[char]) -> bool {
    let mut letters = letters_of_spaced(word);
    let letters = [(); 5].map(|()| letters.next().unwrap_or_default());
    match letters {
        [
            'k' | 'M' | 'G' | 'T' | 'm' | 'n' | 'µ' | 'μ',
            'Ω',
            '\0' | 'm',
            '\0',
            _,
        ] => true,
        ['m' | 'c' | 'd' | 'k' | 'h' | 'µ' | 'μ', 'ℓ', '\0', ..] => true,
        [
            'Δ' | 'δ' | 'λ' | 'π' | 'Φ' | 'φ' | 'Ψ' | 'ψ' | 'Ω',
            one,
            other,
            '\0',
            _,
        ] => is_of_symbol(one) && (other == '\0' || is_of_symbol(other)),
        ['µ' | 'μ', a, b, c, '\0'] => {
            let unit: String = [a, b, c].into_iter().filter(|c| *c != '\0').collect();
            MICRO.contains(&unit.as_str())
        }
        _ => false,
    }
}

/// The letters of scripts that are written with spaces.
fn letters_of_spaced(word: &[char]) -> impl Iterator<Item = char> {
    let is_spaced = |c: char| matches!(kind(c), Kind::Letter(script) if !has_no_spaces(script));
    word.iter().copied().filter(move |c| is_spaced(*c))
}

/// Whether small letters of Greek stand behind capitals of ASCII, as in `TNFα` and `NFκB`: who took one for a letter of Latin would see a
/// small letter among capitals. Of those that are drawn like one of ASCII only `α` and `γ`, which fonts tell apart, and at the end.
/// Between letters of scripts without spaces each is judged by itself.
fn is_formula(word: &[char]) -> bool {
    let is_apart = |c: &char| matches!(kind(*c), Kind::Letter(script) if has_no_spaces(script));
    word.split(is_apart).all(is_part_of_formula)
}

fn is_part_of_formula(part: &[char]) -> bool {
    let letters: Vec<char> = letters_of_spaced(part).collect();
    let Some((last, others)) = letters.split_last() else {
        return true;
    };
    let is_capital = |c: &char| c.is_ascii_uppercase();
    let is_greek = |c: &char| matches!(c, 'α'..='ω') && !is_greek_like_ascii(*c);
    letters.first().is_some_and(is_capital)
        && others.iter().all(|c| is_capital(c) || is_greek(c))
        && (is_capital(last) || is_greek(last) || matches!(last, 'α' | 'γ'))
}

/// Units that have the prefix micro (the SI Brochure, tables 2, 4 and 8, and those of medicine and computing).
const MICRO: [&str; 34] = [
    "m", "g", "s", "A", "K", "V", "W", "F", "S", "T", "H", "N", "J", "C", "L", "l", "M", "U", "Pa",
    "Hz", "Wb", "Sv", "Gy", "Bq", "eV", "Da", "Ci", "lm", "lx", "cd", "mol", "kat", "rad", "bar",
];

fn is_of_symbol(c: char) -> bool {
    matches!(script(c), Script::Latin | Script::Cyrillic)
}

/// A small raised letter before others: at the end of a word it is that of `XIXᵉ` and `1ʳᵉ`.
fn raised_letter(word: &[char]) -> Option<Stranger> {
    let is_raised = |c: char| {
        let raised = matches!(c, '\u{1d2c}'..='\u{1d6a}' | '\u{1d78}' | '\u{1d9b}'..='\u{1dbf}' | '\u{2b0}'..='\u{2b8}'
            | '\u{2e0}'..='\u{2e4}' | '\u{2071}' | '\u{207f}' | '\u{2090}'..='\u{209c}' | '\u{2c7c}'..='\u{2c7d}'
            | '\u{a7f2}'..='\u{a7f4}' | '\u{a7f8}'..='\u{a7f9}' | '\u{ab5c}'..='\u{ab5f}' | '\u{ab69}'
            | '\u{10780}'..='\u{107ba}' | '\u{1e030}'..='\u{1e06d}');
        raised && !is_raised_within(c)
    };
    let last = word.iter().rposition(|c| kind(*c).is_plain_letter())?;
    let before = word.get(..last)?;
    let at = before.iter().position(|c| is_raised(*c))?;
    Some(Stranger::LookAlike(*before.get(at)?, at + 1))
}

/// The longest parts of a line of such characters, with their places from 0.
pub(crate) fn spans(
    line: &[char],
    belongs: impl Fn(&char) -> bool,
) -> impl Iterator<Item = (usize, &[char])> {
    let mut start = 0;
    line.split(move |c| !belongs(c))
        .map(move |part| {
            let at = start;
            start += part.len() + 1;
            (at, part)
        })
        .filter(|(_, part)| !part.is_empty())
}

/// Unicode has the ten digits of a system in a row. Only mathematical digits are nearer to those of another system.
pub(crate) fn of_one_system(one: char, other: char) -> bool {
    u32::from(one).abs_diff(u32::from(other)) < 10
}

/// A digit of ASCII, or the same as wide as a letter of East Asia.
pub(crate) const fn is_of_a_width(digit: char) -> bool {
    digit.is_ascii_digit() || matches!(digit, '\u{ff10}'..='\u{ff19}')
}

pub(crate) fn joins_word(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c) || matches!(c, '\u{200c}' | '\u{200d}')
}

pub(crate) fn is_mark(c: char) -> bool {
    use GeneralCategory as G;
    !c.is_ascii()
        && matches!(
            category(c),
            G::NonspacingMark | G::SpacingMark | G::EnclosingMark
        )
}

/// Is no part of its own of a word, but drawn on one.
fn is_drawn_above(c: char) -> bool {
    category(c) == GeneralCategory::NonspacingMark || kind(c) == Kind::Neutral
}

pub(crate) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}
