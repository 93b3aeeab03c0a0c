//! How much of long values stands on the first screen: all of them where there is room, else their beginning and their end. All of it
//! stands under the details, and what was shortened is known, so that the screen can say so.

use super::sentence::{Part, Sentence};

/// How much of one value is shown: words, and characters.
#[derive(Clone, Copy)]
pub(super) struct Most {
    words: usize,
    characters: usize,
}

/// How much is shown of each kind of value.
#[derive(Clone, Copy)]
pub(super) struct Room {
    name: Most,
    /// What was approved before, which is quoted to be recognised.
    purpose: Most,
    value: Most,
    /// A value in a line with others.
    in_line: Most,
    /// A letter: its beginning and its end, where it is longer.
    pub(super) letter: Most,
    /// Words of a line altogether.
    line_words: usize,
    /// Lines of arguments: all of them or none, for some of them would look like all.
    lines: usize,
}

/// Whole values, as long as they are not longer than a screen has room for.
pub(super) const AMPLE: Room = Room {
    name: most(12, 60),
    purpose: most(24, 140),
    value: most(12, 60),
    in_line: most(12, 60),
    letter: most(30, 200),
    line_words: 24,
    lines: 4,
};

/// The same, but for the purpose.
pub(super) const PURPOSE_SCARCE: Room = Room {
    purpose: PURPOSE,
    ..AMPLE
};

/// The same, but for the letter.
pub(super) const LETTER_SCARCE: Room = Room {
    letter: most(14, 100),
    ..PURPOSE_SCARCE
};

pub(super) const SCARCE: Room = Room {
    name: NAME,
    purpose: PURPOSE,
    value: most(2, 40),
    in_line: most(4, 40),
    letter: most(8, 60),
    line_words: 14,
    lines: 0,
};

pub(super) const NAME: Most = most(6, 40);
const PURPOSE: Most = most(4, 40);

const fn most(words: usize, characters: usize) -> Most {
    Most { words, characters }
}

/// Values in this much room, and whether any of them was shortened.
pub(super) struct Brief {
    pub(super) room: Room,
    pub(super) shortened: bool,
}

impl Brief {
    pub(super) const fn within(room: Room) -> Self {
        Self {
            room,
            shortened: false,
        }
    }

    pub(super) fn name(&mut self, text: &str) -> String {
        self.fit(text, self.room.name)
    }

    pub(super) fn purpose(&mut self, text: &str) -> String {
        self.fit(text, self.room.purpose)
    }

    pub(super) fn value(&mut self, text: &str) -> String {
        self.fit(text, self.room.value)
    }

    /// A line of words and values: each value short, and no more words than there is room for.
    pub(super) fn line(&mut self, line: &Sentence) -> Sentence {
        let mut parts: Vec<Part> = Vec::new();
        let mut left = self.room.line_words;
        for part in &line.parts {
            let part = match part {
                Part::Words(text) => Part::Words(text.clone()),
                Part::Value(text) => Part::Value(self.fit(text, self.room.in_line)),
                Part::Block(_) => {
                    self.shortened = true;
                    Part::Words(CUT.to_owned())
                }
            };
            let words = part.text().split_whitespace().count();
            if words > left {
                end_within(&part, left, &mut parts);
                self.shortened = true;
                break;
            }
            left -= words;
            parts.push(part);
        }
        Sentence { parts }
    }

    /// Each of them, where there is room for all.
    pub(super) fn lines(&mut self, lines: &[Sentence]) -> Vec<Sentence> {
        if lines.len() > self.room.lines {
            self.shortened = true;
            return Vec::new();
        }
        lines.iter().map(|line| self.line(line)).collect()
    }

    pub(super) fn fit(&mut self, text: &str, most: Most) -> String {
        let short = brief(text, most);
        self.shortened |= short != text;
        short
    }
}

/// Ends a line within this part of it: a value keeps both of its quotation marks or has none.
fn end_within(part: &Part, left: usize, parts: &mut Vec<Part>) {
    let after_value = matches!(parts.last(), Some(Part::Value(_)));
    if let Part::Words(text) = part {
        let apart = text.starts_with(char::is_whitespace);
        let closes = usize::from(after_value && !apart);
        let some = text.split_whitespace().take(left.max(closes));
        let some = some.collect::<Vec<_>>().join(" ");
        let before = if apart { " " } else { "" };
        parts.push(Part::Words(format!("{before}{some}")));
    }
    let before_last = parts.len().checked_sub(2).and_then(|at| parts.get(at));
    let after_value = matches!(before_last, Some(Part::Value(_)));
    if let Some(Part::Words(text)) = parts.last_mut() {
        *text = without_opening(text, after_value).to_owned();
    }
    parts.retain(|part| !part.text().is_empty());
    parts.push(Part::Words(format!(" {CUT}")));
}

/// Without what opens before a value that is left out. German closes with the mark by which English opens: right after a value or a word.
fn without_opening(words: &str, after_value: bool) -> &str {
    let mut kept = words.trim_end();
    while let Some(before) = kept.strip_suffix(OPENING) {
        let opens = match before.chars().next_back() {
            Some(c) => c.is_whitespace() || OPENING.contains(&c),
            None => !after_value,
        };
        if !opens {
            break;
        }
        kept = before.trim_end();
    }
    kept
}

/// What opens before a value (docs/types.md).
const OPENING: [char; 3] = ['(', '“', '„'];

/// The value, or its beginning and its end with [`CUT`] between them.
pub(super) fn brief(text: &str, most: Most) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_wordy = words.len() > most.words;
    if !is_wordy && text.chars().count() <= most.characters {
        return text.to_owned();
    }
    let (first, last) = match is_wordy {
        true => (most.words.div_ceil(2), most.words / 2),
        false => (words.len(), words.len()),
    };
    let start = words.get(..first).unwrap_or_default().join(" ");
    let end = words.get(words.len() - last..).unwrap_or_default();
    let half = (most.characters - 1) / 2;
    let start = first_signs(&start, half);
    let end = last_signs(&end.join(" "), half);
    // What ends with a whole word stands apart from what was left out.
    let between = if is_wordy { " " } else { "" };
    let (start, end) = (start.trim_end(), end.trim_start());
    format!("{start}{between}{CUT}{between}{end}")
}

fn first_signs(text: &str, most: usize) -> String {
    let mut left = most;
    let signs = signs(text).into_iter();
    signs
        .take_while(|sign| is_within(sign, &mut left))
        .collect()
}

fn last_signs(text: &str, most: usize) -> String {
    let mut left = most;
    let signs = signs(text).into_iter().rev();
    let mut last: Vec<&str> = signs
        .take_while(|sign| is_within(sign, &mut left))
        .collect();
    last.reverse();
    last.concat()
}

fn is_within(sign: &str, left: &mut usize) -> bool {
    let length = sign.chars().count();
    let fits = length <= *left;
    *left = left.saturating_sub(length);
    fits
}

/// What is never parted: a character, or one with the backslash before it, without which it would close the quotation.
fn signs(text: &str) -> Vec<&str> {
    let mut signs = Vec::new();
    let mut rest = text;
    while let Some((sign, after)) = rest.split_at_checked(first_sign(rest)) {
        if sign.is_empty() {
            break;
        }
        signs.push(sign);
        rest = after;
    }
    signs
}

/// The length of the first one, in bytes.
fn first_sign(text: &str) -> usize {
    let spelt = text
        .strip_prefix("\\u{")
        .and_then(|rest| rest.split_once('}'));
    let spelt = spelt.map(|(number, _)| number);
    if let Some(number) = spelt.filter(|number| number.bytes().all(|b| b.is_ascii_hexdigit())) {
        return "\\u{".len() + number.len() + "}".len();
    }
    let mut all = text.chars();
    let (first, second) = (all.next(), all.next());
    let second = second.filter(|c| first == Some('\\') && *c != ' ');
    first.map_or(0, char::len_utf8) + second.map_or(0, char::len_utf8)
}

/// Where something was left out.
const CUT: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_shows_its_beginning_and_its_end() {
        for (value, shown) in [
            ("KLM", "KLM"),
            ("one two three four", "one two three four"),
            ("one two three four five six seven", "one two … six seven"),
            (&"x".repeat(40), &*"x".repeat(40)),
            (
                &format!("{}{}", "a".repeat(70), "b".repeat(70)),
                &*format!("{}…{}", "a".repeat(19), "b".repeat(19)),
            ),
        ] {
            let mut brief = Brief::within(Room {
                value: most(4, 40),
                ..SCARCE
            });
            assert_eq!(brief.value(value), shown);
            assert_eq!(brief.shortened, value != shown, "{value}");
        }
    }

    /// Whatever its length, a cut never leaves a quotation mark without the backslash before it, nor a backslash alone.
    #[test]
    fn an_escape_is_whole_or_left_out() {
        let evil = "KLM Royal Dutch Airlines Amst";
        for escape in ["\\”", "\\\\", "\\\"", "\\“", "\\↵", "\\u{202e}"] {
            for before in 0..45 {
                for value in [
                    format!("{}{escape} verified by", "y".repeat(before)),
                    format!("{evil}{}{escape} bank.!", "y".repeat(before)),
                    format!("{}{escape}{}", "a".repeat(before), "b".repeat(44)),
                    format!("{}{escape}{}", "a".repeat(44), "b".repeat(before)),
                    format!("{} {escape} c {}", "a ".repeat(before), "b ".repeat(9)),
                ] {
                    for most in [most(2, 40), most(4, 40), most(6, 40), most(12, 60)] {
                        let shown = brief(&value, most);
                        let left = escape
                            .chars()
                            .fold(shown, |shown, _| shown.replace(escape, ""));
                        let bare = left.contains(['\\', '”', '"', '“', '↵', '{', '}']);
                        assert!(!bare, "{value}: {left}");
                    }
                }
            }
        }
        assert_eq!(
            brief(
                &format!("{evil}{}\\” verified by your own bank.!", "y".repeat(20)),
                most(12, 60)
            ),
            format!("{evil}…verified by your own bank.!"),
        );
        assert_eq!(brief(&"a\\".repeat(40), most(2, 40)).chars().count(), 39);
    }

    /// Neither an opening mark before a value that is left out, nor a value without its closing mark.
    #[test]
    fn a_line_that_ends_early_has_both_marks_or_none() {
        let long = "a b c d e f g h i j k l m n";
        for (line, shown) in [
            (format!("one two of “[{long}]”, x"), "one two of …"),
            (format!("one two of „[{long}]“, x"), "one two of …"),
            (format!("one (“[{long}]”)"), "one …"),
            (format!("one ([{long}])"), "one …"),
            (format!("“[{long}]”"), " …"),
            (format!("to “[KLM]”, of “[{long}]”"), "to “KLM”, of …"),
            (format!("an „[KLM]“ „[{long}]“"), "an „KLM“ …"),
            (format!("an „[KLM]“[{long}]"), "an „KLM“ …"),
            (
                "one two three “[a b]” or so".to_owned(),
                "one two three “a b” …",
            ),
            (
                "one two three „[a b]“, ja".to_owned(),
                "one two three „a b“, …",
            ),
            (
                "one two three [a b c] or so".to_owned(),
                "one two three a b c …",
            ),
        ] {
            let mut brief = Brief::within(Room {
                in_line: most(14, 60),
                line_words: 6,
                ..SCARCE
            });
            let parts = crate::app_samples::pieces(&line).into_iter();
            let parts = parts.map(|piece| match piece {
                writ_authority::Piece::Value(value) => Part::Value(value),
                other => Part::Words(other.as_str().to_owned()),
            });
            let line = Sentence {
                parts: parts.collect(),
            };
            assert_eq!(brief.line(&line).to_string(), shown);
            assert!(brief.shortened);
        }
    }

    #[test]
    fn a_long_line_ends_where_its_words_are_used_up() {
        let words = |text: &str| Part::Words(text.to_owned());
        let line = Sentence {
            parts: vec![
                words("with "),
                Part::Value("a b c d e f".to_owned()),
                words(" and one two three four five six seven eight nine"),
                Part::Value("hidden".to_owned()),
            ],
        };
        let mut scarce = Brief::within(SCARCE);
        let shown = scarce.line(&line).to_string();
        assert_eq!(
            shown,
            "with a b … e f and one two three four five six seven …"
        );
        assert!(scarce.shortened);
        let mut ample = Brief::within(AMPLE);
        assert_eq!(ample.line(&line), line);
        assert!(!ample.shortened);
    }

    #[test]
    fn a_text_of_several_lines_is_never_on_one() {
        let line = Sentence {
            parts: vec![Part::Block("a↵\nb".to_owned())],
        };
        let mut ample = Brief::within(AMPLE);
        assert_eq!(ample.line(&line).to_string(), "…");
        assert!(ample.shortened);
    }
}
