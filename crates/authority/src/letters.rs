//! Character classes for display: invisible, combining, bidirectional and confusable characters (Unicode 16; UTR 36, UTS 39, UAX 44).
//! Used to refuse request values (`legible.rs`) and to clean names that clients chose.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    BidiClass, CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifierBase,
    EmojiPresentation, GeneralCategory, JoiningType, LineBreak,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use crate::alike::is_old_latin;
use crate::scripts;

/// The most combining marks on one letter.
pub const MOST_MARKS: usize = 4;
/// The most marks of Latin letters on one letter.
pub const MOST_LATIN_MARKS: usize = 2;

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
const ZWSP: char = '\u{200b}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// Unicode's normalization form C (UAX 15): one spelling for what reads the same.
pub fn nfc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Is invisible, controls the direction of text, or is unassigned and drawn as a box.
pub fn is_hidden(c: char) -> bool {
    use GeneralCategory as G;
    let seen_format = matches!(c, '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{110bd}' | '\u{110cd}');
    let blank = matches!(
        c,
        '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{16fe4}' | '\u{1d159}'
    );
    blank
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || match category(c) {
            G::Control | G::Surrogate | G::PrivateUse | G::Unassigned => true,
            G::LineSeparator | G::ParagraphSeparator => true,
            G::Format => !seen_format,
            _ => false,
        }
}

/// Controls the direction of what follows (UAX 9).
pub const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Is drawn on the letter before it (categories Mn and Me).
pub fn is_mark(c: char) -> bool {
    let kind = category(c);
    kind == GeneralCategory::NonspacingMark || kind == GeneralCategory::EnclosingMark
}

/// The most marks on a letter that has this mark.
pub const fn most_marks(mark: char) -> usize {
    match mark {
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => MOST_LATIN_MARKS,
        _ => MOST_MARKS,
    }
}

/// Whether a joiner or variation selector visibly changes how its neighbours are drawn: RFC 5892 appendices A.1 and A.2, two
/// spellings of Bengali and Devanagari, and emoji sequences. Or stands where a word ends in scripts that write no spaces: there people
/// type it, so that lines break.
pub fn is_joiner_in_place(c: char, before: &[char], after: &[char]) -> bool {
    let (Some(last), next) = (before.last(), after.first()) else {
        return false;
    };
    let letter_follows = next.is_some_and(|next| next.is_alphabetic());
    let after_virama = is_virama(*last) && letter_follows;
    match c {
        ZWNJ => after_virama || (joins_onwards(before) && joins_back(after)),
        ZWJ => {
            let ra = *last == '\u{9b0}' && next == Some(&'\u{9cd}');
            after_virama || ra || is_chillu(before) || joins_pictures(before, after)
        }
        EMOJI_STYLE if next == Some(&KEYCAP) => matches!(*last, '0'..='9' | '#' | '*'),
        EMOJI_STYLE => is_plain_picture(*last),
        ZWSP => next.is_some_and(|next| is_between_words(*last, *next)),
        _ => false,
    }
}

/// UAX 14, class SA: Thai, Lao, Khmer, Burmese and their neighbours.
fn is_between_words(last: char, next: char) -> bool {
    let breaks = |c: char| CodePointMapData::<LineBreak>::new().get(c) == LineBreak::ComplexContext;
    let is_word = scripts::joins_word(last) && next.is_alphanumeric();
    is_word && (breaks(last) || breaks(next))
}

/// A Malayalam consonant without its vowel, as keyboards before Unicode 5.1 type it.
const fn is_chillu(before: &[char]) -> bool {
    matches!(
        before,
        [
            ..,
            '\u{d15}' | '\u{d23}' | '\u{d28}' | '\u{d30}' | '\u{d32}' | '\u{d33}',
            '\u{d4d}'
        ]
    )
}

pub fn is_right_to_left(c: char) -> bool {
    let class = bidi_class(c);
    class == BidiClass::RightToLeft || class == BidiClass::ArabicLetter
}

pub fn is_left_to_right(c: char) -> bool {
    bidi_class(c) == BidiClass::LeftToRight
}

/// Whether a line has letters of both directions: it is displayed from left to right, whichever comes first.
pub fn has_both_directions(line: &str) -> bool {
    line.chars().any(is_right_to_left) && line.chars().any(is_left_to_right)
}

/// Whether another line is displayed like this one (UAX 9, rules W1 to W7, N0 to N2, L1 and L2), by letters of both directions from
/// left to right, else in their direction. With both, digits move; and what is no letter between two letters from right to left moves
/// where the line is wrapped. With right to left alone, a sign of a number such as `%` is joined to its digits on one side of a hyphen
/// and not on the other.
pub fn has_ambiguous_order(line: &str) -> bool {
    match has_both_directions(line) {
        true => line.chars().any(is_digit) || has_sign_between(line),
        false => {
            let numbers = line.chars().any(is_right_to_left) && line.chars().any(is_digit);
            numbers && has_loose_sign(line)
        }
    }
}

fn bidi_class(c: char) -> BidiClass {
    CodePointMapData::<BidiClass>::new().get(c)
}

fn is_digit(c: char) -> bool {
    let class = bidi_class(c);
    c.is_numeric() || class == BidiClass::EuropeanNumber || class == BidiClass::ArabicNumber
}

/// Whether anything but letters, their marks and spaces stands between two letters from right to left.
fn has_sign_between(line: &str) -> bool {
    let (mut after_letter, mut sign) = (false, false);
    for c in line.chars() {
        if is_right_to_left(c) {
            if after_letter && sign {
                return true;
            }
            (after_letter, sign) = (true, false);
        } else if is_left_to_right(c) {
            after_letter = false;
        } else {
            let joins = bidi_class(c) == BidiClass::BoundaryNeutral;
            sign |= c != ' ' && !is_mark(c) && !joins;
        }
    }
    false
}

/// Whether a separator of numbers stands beside a sign that belongs to one.
fn has_loose_sign(line: &str) -> bool {
    let classes: Vec<BidiClass> = line.chars().map(bidi_class).collect();
    let separates = |class: &BidiClass| {
        *class == BidiClass::EuropeanSeparator || *class == BidiClass::CommonSeparator
    };
    let belongs = |class: &BidiClass| *class == BidiClass::EuropeanTerminator;
    let mut pairs = classes.iter().zip(classes.iter().skip(1));
    pairs.any(|(one, next)| (separates(one) && belongs(next)) || (belongs(one) && separates(next)))
}

/// Is drawn like another, more common character wherever it stands: ligatures and digraphs, presentation forms, letters that are a style,
/// slashes, dots.
pub const fn is_confusable(c: char) -> bool {
    is_old_latin(c)
        || matches!(c,
        '\u{132}'..='\u{133}' | '\u{13f}'..='\u{140}' | '\u{149}' | '\u{1c4}'..='\u{1cc}'
        | '\u{1f1}'..='\u{1f3}' | '\u{2cc}' | '\u{2cf}' | '\u{2d0}' | '\u{2d7}' | '\u{2025}' | '\u{2043}'
        | '\u{2215}' | '\u{2216}' | '\u{2217}' | '\u{2223}' | '\u{2236}'
        | '\u{2c2}'..='\u{2c3}' | '\u{204e}' | '\u{23ae}' | '\u{2758}'
        | '\u{2488}'..='\u{249b}' | '\u{2571}' | '\u{2afd}' | '\u{31c0}'..='\u{31e5}' | '\u{29f5}' | '\u{29f8}'..='\u{29f9}' | '\u{2373}'..='\u{2374}' | '\u{237a}' | '\u{a789}'
        | '\u{fb00}'..='\u{fd3d}' | '\u{fd40}'..='\u{fdf1}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10140}'..='\u{1018e}' | '\u{10190}'..='\u{101a0}' | '\u{102e1}'..='\u{102fb}' | '\u{1ccd6}'..='\u{1ccf9}'
        | '\u{1f100}'..='\u{1f10a}' | '\u{1d134}' | '\u{1d16d}' | '\u{1d200}'..='\u{1d245}' | '\u{1fbf0}'..='\u{1fbf9}' | '\u{1d400}'..='\u{1d7ff}' | '\u{1ee00}'..='\u{1eef1}')
}

/// Is drawn like another character but between these two.
pub fn is_out_of_place(c: char, before: Option<char>, after: Option<char>) -> bool {
    let is = |one: Option<char>, kind: fn(char) -> bool| one.is_some_and(kind);
    match c {
        // Letters of Uzbek, Ukrainian, Breton and others, and of Mexico.
        '\u{2bc}' | '\u{a78b}'..='\u{a78c}' => {
            !is(before, char::is_alphabetic) && !is(after, char::is_alphabetic)
        }
        // Clicks of Nama and others: within a word.
        '\u{1c0}'..='\u{1c3}' => !is(after, char::is_alphabetic),
        // On the emoji style of a digit: without it, it would have a second spelling.
        KEYCAP => before != Some(EMOJI_STYLE),
        // Hyphens: behind a word.
        '\u{2010}'..='\u{2011}' => !is(before, char::is_alphanumeric),
        // The slash of a fraction.
        '\u{2044}' => !is(before, scripts::is_digit) || !is(after, scripts::is_digit),
        // Before a word of Spanish.
        '¡' => is(before, char::is_alphanumeric),
        // Apart, on packages.
        '℮' => is(before, char::is_alphanumeric) || is(after, char::is_alphanumeric),
        // Roman numerals: in words of East Asia.
        '\u{2160}'..='\u{217f}' => {
            !is(before, scripts::is_east_asian) && !is(after, scripts::is_east_asian)
        }
        _ => false,
    }
}

/// Whether a space that breaks no line is seen as what it is: between two letters it would be a second spelling of the space between two
/// words; beside digits and signs it stands as in `« 20 % »`.
pub fn is_space_of_number(c: char, before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let around = [before, after];
    matches!(c, '\u{a0}' | '\u{202f}')
        && !around.iter().all(|c| c.is_alphabetic())
        && !around.iter().any(|c| c.is_whitespace() || is_mark(*c))
}

/// Whether a word has letters or digits of two kinds that are drawn alike.
pub fn looks_mixed(word: &str) -> bool {
    let all: Vec<char> = word.chars().collect();
    !word.is_ascii() && (scripts::stranger(&all).is_some() || word.chars().any(is_old_latin))
}

/// The words of a line for [`looks_mixed`], each with the separator after it.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|c: char| !c.is_alphanumeric() && !is_mark(c))
}

/// What a reader of ASCII does not expect in a word that [`looks_mixed`].
pub fn is_look_alike(c: char) -> bool {
    scripts::is_foreign(c) || is_old_latin(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is_virama(c: char) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new().get(c);
    class == CanonicalCombiningClass::Virama
}

fn joining(c: &char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(*c)
}

/// RFC 5892 appendix A.1: the letter before, past its marks, joins to the next one.
fn joins_onwards(before: &[char]) -> bool {
    let mut kinds = before.iter().rev().map(joining);
    let letter = kinds.find(|kind| *kind != JoiningType::Transparent);
    letter.is_some_and(|k| k == JoiningType::DualJoining || k == JoiningType::LeftJoining)
}

fn joins_back(after: &[char]) -> bool {
    let mut kinds = after.iter().map(joining);
    let letter = kinds.find(|kind| *kind != JoiningType::Transparent);
    letter.is_some_and(|k| k == JoiningType::DualJoining || k == JoiningType::RightJoining)
}

/// Has text presentation unless the emoji variation selector follows (UTS 51).
fn is_plain_picture(c: char) -> bool {
    !c.is_ascii()
        && CodePointSetData::new::<Emoji>().contains(c)
        && !CodePointSetData::new::<EmojiPresentation>().contains(c)
}

/// Pairs of UTS 51 emoji sequences that phones since 2020 draw as one picture. Only the fully qualified spelling: two spellings would
/// look the same.
fn joins_pictures(before: &[char], after: &[char]) -> bool {
    let style = |text: &[char]| text.first() == Some(&EMOJI_STYLE);
    let is_skin = |c: char| matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    let (base, dressed) = match before {
        [.., base, last] if *last == EMOJI_STYLE || is_skin(*last) => (*base, true),
        [.., base] => (*base, false),
        [] => return false,
    };
    let Some((next, rest)) = after.split_first() else {
        return false;
    };
    let spelt = (dressed || !is_plain_picture(base)) && (style(rest) || !is_plain_picture(*next));
    spelt && is_pair(base, *next)
}

fn is_pair(base: char, next: char) -> bool {
    let adult = |c: char| matches!(c, '👨' | '👩' | '🧑');
    let child = |c: char| matches!(c, '👦' | '👧');
    match next {
        '♀' | '♂' => {
            let bears_skin = CodePointSetData::new::<EmojiModifierBase>().contains(base);
            bears_skin || matches!(base, '👯' | '🤼' | '🧞' | '🧟')
        }
        '⚕' | '⚖' | '✈' | '🌾' | '🍳' | '🎓' | '🎤' | '🎨' | '🏫' | '🏭' | '💻' | '💼' | '🔧'
        | '🔬' | '🚀' | '🚒' | '🦯' | '🦼' | '🦽' | '🦰' | '🦱' | '🦲' | '🦳' | '🤝' | '❤' => {
            adult(base)
        }
        '👨' | '👩' | '🧑' => adult(base) || matches!(base, '❤' | '💋' | '🤝'),
        '👦' | '👧' => adult(base) || child(base),
        _ => matches!(
            (base, next),
            ('🏳', '🌈')
                | ('🏴', '☠')
                | ('🐕', '🦺')
                | ('👁', '🗨')
                | ('❤', '💋' | '🔥' | '🩹')
                | ('🐻', '❄')
                | ('😮', '💨')
        ),
    }
}
