//! Signs that are drawn like those of ASCII (UTS 39), where they pose as them: between letters and digits beside which a reader takes them
//! for ASCII, as in `anna＠bank․example`. Signs of another script are free beside its own letters, and so are typographic quotes, dashes and
//! dots, which people write in every script.

use icu_properties::props::Script;
use icu_properties::script::ScriptWithExtensions;

use crate::letters::is_mark;
use crate::scripts::{is_east_asian, is_plain, script};

/// The first sign of a line that poses as another one, and its place, counted from 1. Each character is looked at once.
pub(crate) fn posing(line: impl IntoIterator<Item = char>) -> Option<SignPlace> {
    let mut reading = LineReader::default();
    for (before, c) in line.into_iter().enumerate() {
        if let Some(found) = reading.next(c, before + 1) {
            return Some(found);
        }
    }
    let left = reading.waiting.into_iter().chain(reading.pause);
    left.min_by_key(|(_, place)| *place)
}

type SignPlace = (char, usize);

/// What is known of a line up to a character. A run is what stands together of letters and digits beside which ASCII is expected.
#[derive(Default)]
struct LineReader {
    /// The last letter or digit since the last space, if it is of a run.
    plain: Option<char>,
    /// The script of the last letter, but for those of several.
    script: Option<Script>,
    /// Where East Asia is, to the left of the last run or of the next one.
    east: East,
    /// Of the signs since the last letter the one that is refused most, the first of several.
    sign: Option<Sign>,
    /// Between two runs, without East Asia on the left: right if it stands directly behind the second one.
    waiting: Option<SignPlace>,
    /// The first pause between two runs of a line that has no letter of East Asia yet: right if one comes.
    pause: Option<SignPlace>,
}

#[derive(Clone, Copy)]
struct Sign {
    place: SignPlace,
    look: SignLook,
    /// Left of the run before it.
    east: East,
    follows: Option<char>,
}

/// Where the last letter of Chinese, Japanese or Korean is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum East {
    #[default]
    Away,
    /// Earlier in the line.
    Before,
    Beside,
}

/// Where a sign is right that is drawn like one of ASCII. Readers of East Asia tell theirs apart by the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SignLook {
    /// Brackets, commas and colons: in a line with letters of East Asia, which has such words as `TEL：03` anywhere.
    Wide,
    /// Other signs of East Asia: where one of the runs around is beside such a letter.
    WideBeside,
    /// Nowhere between letters that are written with signs of ASCII.
    Foreign,
}

impl LineReader {
    fn next(&mut self, c: char, place: usize) -> Option<SignPlace> {
        if is_mark(c) {
            return None;
        }
        if is_space(c) {
            (self.plain, self.sign) = (None, None);
            return self.end_of_run();
        }
        if is_stop_of_armenian(c) {
            return (self.script != Some(Script::Armenian)).then_some((c, place));
        }
        match look(c) {
            Some(SignLook::WideBeside) if self.goes_on_in_east_asia(c) => None,
            Some(look) => self.sign((c, place), look),
            None if is_plain(c) => self.plain(c),
            None if c.is_alphanumeric() || is_sign_of_east_asia(c) => self.other(c),
            None => self.end_of_run(),
        }
    }

    /// Whether it is a letter that is a stroke or two, behind others of East Asia.
    fn goes_on_in_east_asia(&self, c: char) -> bool {
        c.is_alphanumeric() && self.plain.is_none() && self.east == East::Beside
    }

    /// Nothing that comes is beside what was. What waits for East Asia is refused.
    fn end_of_run(&mut self) -> Option<SignPlace> {
        self.east = self.east.apart();
        self.waiting
    }

    fn sign(&mut self, place: SignPlace, look: SignLook) -> Option<SignPlace> {
        let is_prime = matches!(place.0, '′' | '″');
        if is_prime && self.plain.is_some_and(|c| c.is_ascii_digit()) {
            return self.end_of_run();
        }
        if self.sign.is_none_or(|known| known.look < look) {
            self.sign = Some(Sign {
                place,
                look,
                east: self.sign.map_or(self.east, |known| known.east),
                follows: self.plain,
            });
        }
        self.end_of_run()
    }

    /// A letter or digit of a run.
    fn plain(&mut self, c: char) -> Option<SignPlace> {
        let own = self.script.filter(|own| *own != Script::Latin);
        if !c.is_ascii_digit() {
            self.script = Some(script(c));
        }
        self.plain = Some(c);
        let sign = self.sign.take()?;
        let is_after_number = sign.follows.is_none_or(|c| c.is_ascii_digit());
        let is_of_number = is_after_number && c.is_ascii_digit();
        if is_of_number && own.is_some_and(|own| is_of_script(sign.place.0, own)) {
            return None;
        }
        if sign.follows.is_none() {
            return (is_of_number && is_like_point(sign.place.0)).then_some(sign.place);
        }
        match sign.look {
            SignLook::Foreign => return Some(sign.place),
            SignLook::WideBeside if sign.east != East::Beside => {
                self.waiting = self.waiting.or(Some(sign.place));
            }
            SignLook::Wide if sign.east == East::Away => {
                self.pause = self.pause.or(Some(sign.place));
            }
            SignLook::Wide | SignLook::WideBeside => {}
        }
        None
    }

    /// What is of no run.
    fn other(&mut self, c: char) -> Option<SignPlace> {
        let letter = script(c);
        if letter == Script::Common && !is_wide_letter(c) && !is_sign_of_east_asia(c) {
            return None;
        }
        (self.plain, self.sign) = (None, None);
        if letter != Script::Common {
            self.script = Some(letter);
        }
        if is_east_asian(c) || is_wide_letter(c) || is_sign_of_east_asia(c) {
            (self.east, self.waiting, self.pause) = (East::Beside, None, None);
            return None;
        }
        self.end_of_run()
    }
}

impl East {
    const fn apart(self) -> Self {
        match self {
            Self::Away => Self::Away,
            Self::Before | Self::Beside => Self::Before,
        }
    }
}

/// `None` for what is no sign of that kind.
fn look(c: char) -> Option<SignLook> {
    if c.is_ascii() {
        return None;
    }
    if is_wide_pause(c) {
        return Some(SignLook::Wide);
    }
    if is_wide(c) {
        return Some(SignLook::WideBeside);
    }
    is_drawn_like_ascii(c).then_some(SignLook::Foreign)
}

/// Spaces that `legible.rs` shows.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}')
}

/// Drawn like a colon and a full stop.
const fn is_stop_of_armenian(c: char) -> bool {
    matches!(c, '\u{589}' | '\u{2024}')
}

const fn is_wide_letter(c: char) -> bool {
    matches!(c, '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
}

/// Such as `、` and `「`, which are drawn like no sign of ASCII.
fn is_sign_of_east_asia(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{303f}' | '\u{30fb}') && is_of_script(c, Script::Han)
}

fn is_of_script(c: char, script: Script) -> bool {
    ScriptWithExtensions::new().has_script(c, script)
}

/// Full-width and small brackets, commas, colons, semicolons, question and exclamation marks.
const fn is_wide_pause(c: char) -> bool {
    matches!(c,
        '\u{ff01}' | '\u{ff08}'..='\u{ff09}' | '\u{ff0c}' | '\u{ff1a}'..='\u{ff1b}' | '\u{ff1f}' | '\u{ff3b}' | '\u{ff3d}'
        | '\u{ff5b}' | '\u{ff5d}' | '\u{fe35}'..='\u{fe44}' | '\u{fe47}'..='\u{fe48}' | '\u{fe50}' | '\u{fe54}'..='\u{fe57}'
        | '\u{fe59}'..='\u{fe5e}' | '\u{3008}'..='\u{300b}' | '\u{3014}'..='\u{301b}')
}

/// Other full-width and small forms of signs, the full stop of East Asia, and its letters that are a stroke or two. Wave dashes, middle
/// dots and corner brackets are not drawn like a sign of ASCII.
const fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff5d}'
        | '\u{ff61}' | '\u{ff70}' | '\u{ffe8}' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe33}'
        | '\u{fe49}'..='\u{fe6b}' | '\u{3002}'..='\u{3003}' | '\u{3033}' | '\u{30a0}'
        // / and \
        | '\u{30ce}' | '\u{30fd}' | '\u{311f}' | '\u{31d2}'..='\u{31d4}' | '\u{ff89}' | '\u{4e36}' | '\u{4e3f}'
        // | - = + <
        | '\u{30cb}' | '\u{30fc}' | '\u{3127}' | '\u{3161}' | '\u{3163}' | '\u{ff86}' | '\u{4e00}' | '\u{4e28}' | '\u{4e8c}'
        | '\u{5341}' | '\u{304f}' | '\u{3111}')
}

/// A sign of a script, which is free beside its letters; of those of several scripts what is drawn like one of ASCII. What is refused in
/// every place is in `letters.rs`.
fn is_drawn_like_ascii(c: char) -> bool {
    let of_several = matches!(
        script(c),
        Script::Common | Script::Inherited | Script::Latin | Script::Greek | Script::Cyrillic
    );
    let is_sign = !of_several && !c.is_alphanumeric() && !is_east_asian(c);
    is_sign || is_like_dot(c) || is_like_stroke(c) || is_like_bracket(c) || is_like_symbol(c)
}

/// Makes another number of the digits behind it. The quotation mark of German stands there too.
const fn is_like_point(c: char) -> bool {
    is_like_dot(c) && c != '\u{201a}'
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
        | '\u{55a}'..='\u{55b}' | '\u{55d}' | '\u{5f3}'..='\u{5f4}' | '\u{7f4}'..='\u{7f5}' | '\u{2032}'..='\u{2033}'
        | '\u{384}' | '\u{1fbd}' | '\u{1fbf}'..='\u{1fc0}' | '\u{1ffe}' | '\u{2e12}' | '\u{2035}'..='\u{2036}')
}

const fn is_like_stroke(c: char) -> bool {
    matches!(c,
        // / and \
        '\u{141f}'..='\u{1420}' | '\u{1735}' | '\u{2041}' | '\u{27cb}' | '\u{27cd}' | '\u{2cc6}' | '\u{2f02}'..='\u{2f03}'
        // |
        | '\u{5c0}' | '\u{964}'..='\u{965}' | '\u{16c1}' | '\u{239c}' | '\u{239f}' | '\u{23a2}' | '\u{23a5}' | '\u{23aa}'
        | '\u{23b8}'..='\u{23b9}' | '\u{23d0}' | '\u{23fd}' | '\u{a830}'..='\u{a835}' | '\u{1d360}'..='\u{1d378}' | '\u{2759}'..='\u{275a}'
        // Box drawings and blocks: | - = + / \ _
        | '\u{2500}'..='\u{257f}' | '\u{2581}' | '\u{258f}' | '\u{2594}'..='\u{2595}'
        // - _ ~ =
        | '\u{2cd}' | '\u{2dc}' | '\u{2f7}' | '\u{58a}' | '\u{5be}' | '\u{640}' | '\u{6d4}' | '\u{7fa}' | '\u{1400}' | '\u{1428}' | '\u{1806}'
        | '\u{2017}'
        | '\u{2053}' | '\u{223c}'..='\u{223d}' | '\u{23af}' | '\u{23ba}'..='\u{23bd}' | '\u{2cba}' | '\u{2e17}' | '\u{2e40}'
        | '\u{a4fe}'..='\u{a4ff}' | '\u{a78a}')
}

const fn is_like_bracket(c: char) -> bool {
    matches!(c,
        // < and >
        '\u{2f1}'..='\u{2f2}' | '\u{1433}' | '\u{1438}' | '\u{16b2}' | '\u{276c}'..='\u{2771}' | '\u{27e8}'..='\u{27eb}'
        | '\u{29fc}'..='\u{29fd}'
        // ( ) [ ] { }
        | '\u{f3a}'..='\u{f3d}' | '\u{fd3e}'..='\u{fd3f}' | '\u{2768}'..='\u{276b}' | '\u{2772}'..='\u{2775}' | '\u{27e6}'..='\u{27e7}'
        | '\u{27ec}'..='\u{27ef}' | '\u{2983}'..='\u{2998}' | '\u{2e28}'..='\u{2e29}')
}

const fn is_like_symbol(c: char) -> bool {
    matches!(c,
        // v, w and x
        '\u{2228}' | '\u{22c1}' | '\u{292b}'..='\u{292c}' | '\u{29e2}' | '\u{2a2f}'
        // *
        | '\u{66d}' | '\u{22c6}' | '\u{2722}'..='\u{2724}' | '\u{2731}'..='\u{2733}' | '\u{273a}'..='\u{273d}' | '\u{2743}'
        | '\u{2749}'..='\u{274b}'
        // + % & ^
        | '\u{2d6}' | '\u{16ed}' | '\u{271a}'..='\u{271c}' | '\u{66a}' | '\u{2052}' | '\u{1f674}'..='\u{1f675}' | '\u{2c4}'
        | '\u{2c6}' | '\u{a788}')
}
