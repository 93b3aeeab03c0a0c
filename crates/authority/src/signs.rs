//! Signs and digits that are drawn like those of ASCII (UTS 39), where they pose as them: between letters and digits beside which a reader
//! takes them for ASCII, as in `anna＠bank․example`. Signs of another script are free beside its own letters, and so are typographic
//! quotes, dashes and dots, which people write in every script.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, Script};

use crate::letters::is_mark;

/// The first sign of a line that poses as another one, and its place, counted from 1. Each character is looked at once.
pub(crate) fn posing(line: impl IntoIterator<Item = char>) -> Option<(char, usize)> {
    let mut reading = LineReader::default();
    for (before, c) in line.into_iter().enumerate() {
        if let Some(found) = reading.next(c, before + 1) {
            return Some(found);
        }
    }
    reading.found_without_east_asia()
}

type SignPlace = (char, usize);

/// What is known of a line up to a character.
#[derive(Default)]
struct LineReader {
    /// The last letter or digit of this word is one beside which ASCII is expected.
    after_plain: bool,
    /// The first sign since, of those that are refused in most lines.
    sign: Option<(SignPlace, SignLook)>,
    /// The digit just before.
    digit: Option<SignPlace>,
    has_east_asia: bool,
    /// Found, unless the line has letters beside which such signs belong.
    wide: Option<SignPlace>,
}

impl LineReader {
    fn next(&mut self, c: char, place: usize) -> Option<SignPlace> {
        if c == ' ' {
            (self.after_plain, self.sign, self.digit) = (false, None, None);
            return None;
        }
        if is_mark(c) {
            return None;
        }
        let mixed = self.mixed_digit((c, place));
        mixed.or_else(|| match look(c) {
            Some(look) => {
                if self.sign.is_none_or(|(_, known)| known < look) {
                    self.sign = Some(((c, place), look));
                }
                None
            }
            None if c.is_alphanumeric() => self.letter(c),
            None => None,
        })
    }

    /// Of a number with digits of two systems, the one that is not of ASCII.
    fn mixed_digit(&mut self, here: SignPlace) -> Option<SignPlace> {
        let (c, _) = here;
        let before = std::mem::replace(&mut self.digit, is_digit(c).then_some(here));
        let before = before.filter(|(before, _)| is_digit(c) && !of_one_system(*before, c))?;
        let found = if c.is_ascii() { before } else { here };
        self.pose(found, digit_look(found.0))
    }

    fn letter(&mut self, c: char) -> Option<SignPlace> {
        let sign = self.sign.take();
        let was_plain = std::mem::replace(&mut self.after_plain, is_plain(c));
        self.has_east_asia |= is_east_asian(c);
        let (found, look) = sign.filter(|_| was_plain && self.after_plain)?;
        self.pose(found, look)
    }

    fn pose(&mut self, found: SignPlace, look: SignLook) -> Option<SignPlace> {
        match look {
            SignLook::Everywhere => Some(found),
            SignLook::OutsideEastAsia => {
                self.wide = self.wide.or(Some(found));
                None
            }
        }
    }

    fn found_without_east_asia(self) -> Option<SignPlace> {
        self.wide.filter(|_| !self.has_east_asia)
    }
}

/// Where a sign is drawn like one of ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SignLook {
    /// Text in Chinese, Japanese or Korean has it also between Latin letters, and its readers tell it apart by its width.
    OutsideEastAsia,
    Everywhere,
}

/// `None` for what is no sign of that kind.
fn look(c: char) -> Option<SignLook> {
    if c.is_ascii() {
        return None;
    }
    if is_digit(c) {
        return Some(digit_look(c));
    }
    if is_wide(c) {
        return Some(SignLook::OutsideEastAsia);
    }
    is_drawn_like_ascii(c).then_some(SignLook::Everywhere)
}

fn digit_look(c: char) -> SignLook {
    match c {
        '\u{ff10}'..='\u{ff19}' => SignLook::OutsideEastAsia,
        _ => SignLook::Everywhere,
    }
}

/// Full-width and small forms of signs, brackets and the full stop of East Asia, and its letters that are one stroke. Wave dashes, middle
/// dots and corner brackets are not drawn like a sign of ASCII.
const fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff5d}'
        | '\u{ff61}' | '\u{ff70}' | '\u{ffe8}' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe33}'
        | '\u{fe35}'..='\u{fe44}' | '\u{fe47}'..='\u{fe6b}' | '\u{3002}'..='\u{3003}' | '\u{3008}'..='\u{300b}'
        | '\u{3014}'..='\u{301b}' | '\u{3033}' | '\u{30a0}' | '\u{30ce}' | '\u{30fc}' | '\u{3161}' | '\u{3163}'
        | '\u{31d3}'..='\u{31d4}' | '\u{4e00}' | '\u{4e36}' | '\u{4e3f}')
}

/// What is refused in every place is in `letters.rs`.
const fn is_drawn_like_ascii(c: char) -> bool {
    is_like_dot(c) || is_like_stroke(c) || is_like_bracket(c) || is_like_symbol(c)
}

const fn is_like_dot(c: char) -> bool {
    matches!(c,
        // . and ,
        '\u{2219}' | '\u{22c5}' | '\u{701}'..='\u{702}' | '\u{a4f8}'..='\u{a4f9}' | '\u{1427}' | '\u{16eb}' | '\u{2e31}'
        | '\u{2e33}' | '\u{2e32}' | '\u{2e41}' | '\u{201a}' | '\u{b8}' | '\u{375}' | '\u{60c}'..='\u{60d}' | '\u{66b}'..='\u{66c}' | '\u{7f8}'
        // : and ;
        | '\u{2f8}' | '\u{5c3}' | '\u{703}'..='\u{704}' | '\u{903}' | '\u{a83}' | '\u{1361}' | '\u{1364}'..='\u{1365}' | '\u{16ec}'
        | '\u{1803}'..='\u{1804}' | '\u{1809}' | '\u{205a}' | '\u{a4fa}'..='\u{a4fd}' | '\u{61b}' | '\u{204f}' | '\u{2e35}'
        // ! and ?
        | '\u{2d51}' | '\u{61f}' | '\u{97d}' | '\u{2e2e}'
        // ' and "
        | '\u{55a}'..='\u{55b}' | '\u{55d}' | '\u{5f3}'..='\u{5f4}' | '\u{7f4}'..='\u{7f5}' | '\u{2035}')
}

const fn is_like_stroke(c: char) -> bool {
    matches!(c,
        // / and \
        '\u{141f}'..='\u{1420}' | '\u{1735}' | '\u{2041}' | '\u{27cb}' | '\u{27cd}' | '\u{2cc6}' | '\u{2f02}'..='\u{2f03}'
        // |
        | '\u{5c0}' | '\u{964}'..='\u{965}' | '\u{16c1}' | '\u{239c}' | '\u{239f}' | '\u{23a2}' | '\u{23a5}' | '\u{23aa}'
        | '\u{23b8}'..='\u{23b9}' | '\u{23d0}' | '\u{2759}'..='\u{275a}'
        // Box drawings and blocks: | - = + / \ _
        | '\u{2500}'..='\u{257f}' | '\u{2581}' | '\u{258f}' | '\u{2594}'..='\u{2595}'
        // - _ ~ =
        | '\u{2cd}' | '\u{2dc}' | '\u{2f7}' | '\u{5be}' | '\u{640}' | '\u{6d4}' | '\u{7fa}' | '\u{1400}' | '\u{1428}' | '\u{2017}'
        | '\u{2053}' | '\u{223c}'..='\u{223d}' | '\u{23af}' | '\u{23ba}'..='\u{23bd}' | '\u{2cba}' | '\u{2e17}' | '\u{2e40}'
        | '\u{a4fe}'..='\u{a4ff}' | '\u{a78a}')
}

const fn is_like_bracket(c: char) -> bool {
    matches!(c,
        // < and >
        '\u{2f1}'..='\u{2f2}' | '\u{1433}' | '\u{1438}' | '\u{16b2}' | '\u{276c}'..='\u{2771}' | '\u{27e8}'..='\u{27eb}'
        | '\u{29fc}'..='\u{29fd}'
        // ( ) [ ] { }
        | '\u{f3a}'..='\u{f3d}' | '\u{2768}'..='\u{276b}' | '\u{2772}'..='\u{2775}' | '\u{27e6}'..='\u{27e7}'
        | '\u{27ec}'..='\u{27ef}' | '\u{2983}'..='\u{2998}' | '\u{2e28}'..='\u{2e29}')
}

const fn is_like_symbol(c: char) -> bool {
    matches!(c,
        // *
        '\u{66d}' | '\u{22c6}' | '\u{2722}'..='\u{2724}' | '\u{2731}'..='\u{2733}' | '\u{273a}'..='\u{273d}' | '\u{2743}'
        | '\u{2749}'..='\u{274b}'
        // + % & ^
        | '\u{2d6}' | '\u{16ed}' | '\u{271a}'..='\u{271c}' | '\u{66a}' | '\u{2052}' | '\u{1f674}'..='\u{1f675}' | '\u{2c4}'
        | '\u{2c6}' | '\u{a788}')
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || category(c) == GeneralCategory::DecimalNumber
}

/// Unicode has the ten digits of a system in a row. Only mathematical digits are nearer to those of another system.
fn of_one_system(one: char, other: char) -> bool {
    u32::from(one).abs_diff(u32::from(other)) < 10
}

/// A letter of the scripts that are written with the signs of ASCII, or a digit of ASCII.
fn is_plain(c: char) -> bool {
    let is_wide = matches!(c, '\u{ff21}'..='\u{ff5a}');
    let is_theirs = matches!(script(c), Script::Latin | Script::Greek | Script::Cyrillic);
    c.is_ascii_digit() || (is_theirs && !is_wide)
}

fn is_east_asian(c: char) -> bool {
    matches!(
        script(c),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
    )
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}
