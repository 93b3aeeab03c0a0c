//! Characters that are drawn like a sign of ASCII, or like another sign that people write: by the data of UTS 39, "Unicode Security
//! Mechanisms" (confusables.txt), as `unicode-security` has it. In the text of its own script each is read as what it is.

use icu_properties::props::{EastAsianWidth, EmojiPresentation, GeneralCategory, Script};
use icu_properties::script::{ScriptExtensionsSet, ScriptWithExtensions};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_security::skeleton;

const EMOJI_STYLE: char = '\u{fe0f}';

/// Signs that are drawn like one of ASCII, and of which the data does not say so: bars, asterisks, angle brackets, number signs, dots,
/// commas, lines.
const BESIDES: [char; 23] = [
    '❘', '❙', '❚', '⏐', '⎸', '⎹', '✱', '✲', '✳', '⁕', '⟨', '⟩', '❬', '❭', '♯', '⋕', '⌗', '⸳', '⸴',
    '⹁', 'ˍ', '⎯', '⁏',
];

/// Whether this is drawn like another, more common sign, where it stands.
pub(crate) fn is_look_alike_sign(c: char, before: &[char], after: &[char]) -> bool {
    if c.is_ascii() || is_common(c) || is_picture(c, after) || !is_drawn_like_a_sign(c) {
        return false;
    }
    let around = Around { before, after };
    match (kind(c), Scripts::of(c)) {
        (Kind::Digit, _) => around.touches_ascii(),
        (_, Scripts::Latin) => true,
        (_, Scripts::None) => !(is_wide(c) && around.is_wide_text()),
        (Kind::Sign, Scripts::Of(own)) => around.touches_ascii() || !around.is_near(&own),
        (Kind::Letter, Scripts::Of(own)) => {
            !(around.touches(&own) || (around.is_a_word() && around.has(&own)))
        }
    }
}

/// Signs that people write, although some look like others of them: of Latin-1, dashes, quotation marks.
const fn is_common(c: char) -> bool {
    matches!(c,
        '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b1}' | '\u{b4}'..='\u{b8}' | '\u{bb}' | '\u{bf}' | '×' | '÷'
        | '–' | '—' | '‘' | '’' | '“' | '”' | '‹' | '›' | '•' | '…' | '‰')
}

/// Only its colours are looked at.
fn is_picture(c: char, after: &[char]) -> bool {
    CodePointSetData::new::<EmojiPresentation>().contains(c) || after.first() == Some(&EMOJI_STYLE)
}

fn is_drawn_like_a_sign(c: char) -> bool {
    if BESIDES.contains(&c) {
        return true;
    }
    // Lines of tables reach from edge to edge, but for the diagonals.
    if matches!(c, '\u{2500}'..='\u{2570}' | '\u{2574}'..='\u{257f}') {
        return false;
    }
    let mut room = [0; 4];
    let mut drawn = skeleton(c.encode_utf8(&mut room)).peekable();
    let own = drawn.peek() == Some(&c);
    let is_letter = c.is_alphanumeric();
    !own && drawn.peek().is_some()
        && drawn.all(|like| match like {
            // The prototypes of `|`, of a dash, and of a line that is as high as its row.
            'l' | 'ー' | '丨' => !is_letter,
            '·' => true,
            like => like.is_ascii() && !like.is_ascii_alphanumeric() && like != ' ',
        })
}

enum Kind {
    Sign,
    Letter,
    Digit,
}

fn kind(c: char) -> Kind {
    match CodePointMapData::<GeneralCategory>::new().get(c) {
        GeneralCategory::DecimalNumber => Kind::Digit,
        _ if c.is_alphanumeric() => Kind::Letter,
        _ => Kind::Sign,
    }
}

/// In which scripts a character is at home.
enum Scripts {
    /// In all of them.
    None,
    /// In the one of ASCII's letters.
    Latin,
    Of(ScriptExtensionsSet<'static>),
}

impl Scripts {
    fn of(c: char) -> Self {
        let found = ScriptWithExtensions::new().get_script_extensions_val(c);
        if found.contains(&Script::Latin) {
            return Self::Latin;
        }
        match found.contains(&Script::Common) || found.contains(&Script::Inherited) {
            true => Self::None,
            false => Self::Of(found),
        }
    }
}

/// What a character stands between.
#[derive(Clone, Copy)]
struct Around<'a> {
    before: &'a [char],
    after: &'a [char],
}

impl Around<'_> {
    fn neighbours(self) -> impl Iterator<Item = char> {
        let (before, after) = (self.before.last(), self.after.first());
        before.into_iter().chain(after).copied()
    }

    fn all(self) -> impl Iterator<Item = char> {
        self.before.iter().chain(self.after).copied()
    }

    fn touches_ascii(self) -> bool {
        self.neighbours().any(|c| c.is_ascii_alphanumeric())
    }

    fn touches(self, own: &ScriptExtensionsSet<'static>) -> bool {
        self.neighbours().any(|c| is_of(c, own))
    }

    /// Whether the next letter before it or after it is of these.
    fn is_near(self, own: &ScriptExtensionsSet<'static>) -> bool {
        let is_letter = |c: &&char| c.is_alphanumeric() || is_mark(**c);
        let before = self.before.iter().rev().find(is_letter);
        let after = self.after.iter().find(is_letter);
        before.into_iter().chain(after).any(|c| is_of(*c, own))
    }

    fn has(self, own: &ScriptExtensionsSet<'static>) -> bool {
        self.all().any(|c| is_of(c, own))
    }

    fn is_a_word(self) -> bool {
        !self.neighbours().any(char::is_alphanumeric)
    }

    fn is_wide_text(self) -> bool {
        self.all().any(|c| c.is_alphanumeric() && is_wide(c))
    }
}

/// A letter or a digit of one of these scripts that is drawn like no sign.
fn is_of(c: char, own: &ScriptExtensionsSet<'static>) -> bool {
    let scripts = ScriptWithExtensions::new();
    let of = |script| scripts.has_script(c, script);
    let related = |script| match EAST_ASIAN.contains(&script) {
        true => EAST_ASIAN.iter().any(|script| of(*script)),
        false => of(script),
    };
    let is_home = own.iter().any(related);
    is_home && (c.is_alphanumeric() || is_mark(c)) && (is_digit(c) || !is_drawn_like_a_sign(c))
}

fn is_digit(c: char) -> bool {
    matches!(kind(c), Kind::Digit)
}

fn is_mark(c: char) -> bool {
    crate::letters::is_mark(c)
}

fn is_wide(c: char) -> bool {
    let width = CodePointMapData::<EastAsianWidth>::new().get(c);
    width == EastAsianWidth::Wide || width == EastAsianWidth::Fullwidth
}

/// Are written in one text.
const EAST_ASIAN: [Script; 4] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
];
