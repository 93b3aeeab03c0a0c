//! Digits and letters in one number: digits of one system (UTS 39 section 5.3), and no letters that are drawn like digits. A number goes on
//! over one sign or space.

use icu_properties::props::GeneralCategory;

use crate::alike::{is_like_currency, is_like_digit, is_like_digit_inside, is_like_one};
use crate::scripts::{
    Stranger, category, is_digit, is_east_asian, is_mark, is_of_a_width, joins_word, of_one_system,
    spans,
};

/// The first in the numbers of a line.
pub(crate) fn stranger_in_number(line: &[char]) -> Option<Stranger> {
    mixed_number(line)
        .or_else(|| letter_in_number(line))
        .or_else(|| letter_of_currency(line))
}

/// A digit of another system than the first of its number. Two widths of digits stand in one number beside letters of East Asia.
fn mixed_number(line: &[char]) -> Option<Stranger> {
    let mut at = 0;
    while let Some((start, number, rest)) = next_number(line, at) {
        let before = start.checked_sub(1).and_then(|at| line.get(at));
        let mut around = before.into_iter().chain(rest.first());
        let widths = || number.iter().all(|c| !is_digit(*c) || is_of_a_width(*c));
        if let Some(found) = odd_digit(number)
            && !(around.any(|c| is_east_asian(*c)) && widths())
        {
            return Some(found.moved(start));
        }
        at = start + number.len();
    }
    None
}

/// The first number from a place on: digits, and single signs or spaces between them. Where it starts, itself, and the rest.
fn next_number(line: &[char], from: usize) -> Option<(usize, &[char], &[char])> {
    let start = from + line.get(from..)?.iter().position(|c| is_digit(*c))?;
    let mut end = start;
    loop {
        let [here, next] = [end, end + 1].map(|at| line.get(at).copied().unwrap_or_default());
        if is_digit(here) {
            end += 1;
        } else if separates_digits(here) && is_digit(next) {
            end += 2;
        } else {
            break;
        }
    }
    let (before, rest) = line.split_at_checked(end)?;
    Some((start, before.get(start..)?, rest))
}

fn odd_digit(number: &[char]) -> Option<Stranger> {
    let first = *number.first()?;
    let digits = number.iter().enumerate().filter(|(_, c)| is_digit(**c));
    let odd = digits
        .map(|(at, c)| (at, *c))
        .find(|(_, c)| !of_one_system(first, *c));
    odd.map(|(at, c)| match c.is_ascii() {
        true => Stranger::LookAlike(first, 1),
        false => Stranger::LookAlike(c, at + 1),
    })
}

/// What makes a key of the digit before it (Unicode UTS 51, `emoji_keycap_sequence`).
const KEYCAP: [char; 2] = ['\u{fe0f}', '\u{20e3}'];

/// Letters that are drawn like digits, in or at a number: `1З5`, `4О2`, `1.ОО`.
fn letter_in_number(line: &[char]) -> Option<Stranger> {
    let letters = spans(line, |c| c.is_alphabetic() || is_mark(*c));
    let like = |run: &[char]| run.iter().all(|c| is_mark(*c) || is_like_digit_inside(*c));
    let mut letters = letters.filter(|(_, run)| **run != KEYCAP && like(run));
    letters.find_map(|(start, run)| {
        let (before, rest) = line.split_at_checked(start)?;
        let after = rest.get(run.len()..)?;
        let before = nearest_digit(before.iter().rev());
        let after = nearest_digit(after.iter());
        let is_beside = [before, after].contains(&Nearest::Beside);
        let is_inside = is_beside && ![before, after].contains(&Nearest::None);
        let is_near = (before, after) != (Nearest::None, Nearest::None);
        let like = |c: &char| is_like_digit(*c) || (is_beside && is_like_one(*c));
        let at_edge = is_near && run.iter().all(|c| is_mark(*c) || like(c));
        let first = *run.first()?;
        (is_inside || at_edge).then_some(Stranger::LookAlike(first, start + 1))
    })
}

/// A letter that is drawn like the sign of a currency, alone at a number: `Є100`, `100Ұ`.
fn letter_of_currency(line: &[char]) -> Option<Stranger> {
    let mut letters = spans(line, |c| c.is_alphabetic() || is_mark(*c));
    letters.find_map(|(start, run)| {
        let [letter] = *run else { return None };
        let before = start.checked_sub(1).and_then(|at| line.get(at));
        let around = [before, line.get(start + 1)];
        let is_at_number = around.iter().flatten().any(|c| c.is_ascii_digit());
        (is_at_number && is_like_currency(letter)).then_some(Stranger::LookAlike(letter, start + 1))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearest {
    Beside,
    OverSeparator,
    None,
}

/// Where the next digit of ASCII is, going this way.
fn nearest_digit<'a>(mut way: impl Iterator<Item = &'a char>) -> Nearest {
    match (way.next(), way.next()) {
        (Some(c), _) if c.is_ascii_digit() => Nearest::Beside,
        (Some('.' | ',' | ':' | '\'' | '’'), Some(c)) if c.is_ascii_digit() => {
            Nearest::OverSeparator
        }
        _ => Nearest::None,
    }
}

fn separates_digits(c: char) -> bool {
    use GeneralCategory as G;
    let encloses = matches!(
        category(c),
        G::OpenPunctuation | G::ClosePunctuation | G::InitialPunctuation | G::FinalPunctuation
    );
    !joins_word(c) && (c == '’' || !encloses)
}
