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
    value: Most,
    /// A value in a line with others.
    in_line: Most,
    /// Words of a line altogether.
    line_words: usize,
    /// Lines of arguments: all of them or none, for some of them would look like all.
    lines: usize,
}

/// Whole values, as long as they are not longer than a screen has room for.
pub(super) const AMPLE: Room = Room {
    name: most(12, 60),
    value: most(12, 60),
    in_line: most(12, 60),
    line_words: 24,
    lines: 4,
};

pub(super) const SCARCE: Room = Room {
    name: NAME,
    value: most(2, 40),
    in_line: most(4, 40),
    line_words: 14,
    lines: 0,
};

pub(super) const NAME: Most = most(6, 40);
/// Of a purpose that was approved before, which is quoted to be recognised.
pub(super) const PURPOSE: Most = most(4, 40);

const fn most(words: usize, characters: usize) -> Most {
    Most { words, characters }
}

/// Values in this much room, and whether any of them was shortened.
pub(super) struct Brief {
    room: Room,
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

    pub(super) fn value(&mut self, text: &str) -> String {
        self.fit(text, self.room.value)
    }

    /// A line of words and values: each value short, and no more words than there is room for.
    pub(super) fn line(&mut self, line: &Sentence) -> Sentence {
        let mut parts = Vec::new();
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
                if let Part::Words(text) = &part {
                    let some: Vec<&str> = text.split_whitespace().take(left).collect();
                    let before = if text.starts_with(' ') { " " } else { "" };
                    parts.push(Part::Words(format!("{before}{}", some.join(" "))));
                }
                parts.push(Part::Words(format!(" {CUT}")));
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

    fn fit(&mut self, text: &str, most: Most) -> String {
        let short = brief(text, most);
        self.shortened |= short != text;
        short
    }
}

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
    let start: String = start.chars().take(half).collect();
    let end = last_characters(&end.join(" "), half);
    // What ends with a whole word stands apart from what was left out.
    let between = if is_wordy { " " } else { "" };
    let (start, end) = (start.trim_end(), end.trim_start());
    format!("{start}{between}{CUT}{between}{end}")
}

fn last_characters(text: &str, most: usize) -> String {
    let length = text.chars().count();
    text.chars().skip(length.saturating_sub(most)).collect()
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
