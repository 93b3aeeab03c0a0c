//! A message on the first screen of an approval, as its reader knows one: to whom, about what, and how it begins and ends.

use writ_authority::{Letter, legible};

use super::Texts;
use super::brief::Brief;
use super::sentence::{Sentence, fill};

/// From top to bottom.
pub(super) struct LetterHead {
    pub(super) to: Sentence,
    /// Also those whom the others do not see.
    pub(super) copies: Vec<Sentence>,
    pub(super) subject: Option<Sentence>,
    pub(super) text: Sentence,
}

impl LetterHead {
    pub(super) fn of(letter: &Letter, texts: &Texts, brief: &mut Brief) -> Self {
        let text = &texts.approval.letter;
        let mut copies = Vec::new();
        for (words, all) in [(&text.cc, &letter.cc), (&text.bcc, &letter.bcc)] {
            if !all.is_empty() {
                copies.push(people(words, all, texts, brief));
            }
        }
        let subject = letter.subject.as_ref();
        let subject = subject.filter(|subject| !subject.is_empty());
        Self {
            to: people(&text.to, &letter.to, texts, brief),
            copies,
            subject: subject.map(|subject| texts.quotation(&brief.value(&legible(subject)))),
            text: texts.quotation(&text_within(&lines(&letter.text), brief)),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let all = [&self.to].into_iter().chain(&self.copies);
        let all = all.chain(&self.subject).chain([&self.text]);
        all.map(Sentence::to_string).collect()
    }
}

/// The first of them, each in its own quotation marks, and how many more.
fn people(words: &str, all: &[String], texts: &Texts, brief: &mut Brief) -> Sentence {
    let text = &texts.approval.letter;
    let shown = all.iter().take(MOST_NAMED);
    let shown: Vec<String> = shown
        .map(|one| {
            let one = brief.value(&legible(one));
            texts.quotation(&one).to_string()
        })
        .collect();
    let who = shown.join(&texts.approval.list_separator);
    let more = all.len() - shown.len();
    let who = match more {
        0 => who,
        more => {
            brief.shortened = true;
            let more = more.to_string();
            fill(&text.more, &[("who", &who), ("count", &more)]).to_string()
        }
    };
    fill(words, &[("who", &who)])
}

/// Its lines as they are; whatever else nobody sees is spelt out.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(legible).collect();
    lines.join("\n")
}

/// With its lines, where there is room for all of it; else its beginning and its end, as one.
fn text_within(text: &str, brief: &mut Brief) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let one = words.join(" ");
    let short = brief.fit(&one, brief.room.letter);
    if short == one && text.lines().count() <= MOST_LINES {
        return text.to_owned();
    }
    // Lines that run on are not what was written.
    brief.shortened |= short != text;
    short
}

/// As many lines of a letter stand there as it has.
const MOST_LINES: usize = 6;

/// Who is named of those whom it goes to.
const MOST_NAMED: usize = 2;

#[cfg(test)]
mod tests {
    use writ_authority::Letter;

    use super::{LetterHead, MOST_LINES, MOST_NAMED};
    use crate::brief::{AMPLE, Brief, SCARCE};
    use crate::{Languages, Texts};

    fn shown(letter: &Letter, texts: &Texts) -> (Vec<String>, bool) {
        let mut brief = Brief::within(AMPLE);
        let head = LetterHead::of(letter, texts, &mut brief);
        (head.lines(), brief.shortened)
    }

    fn letter(to: &[&str], bcc: &[&str], text: &str) -> Letter {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Letter {
            to: owned(to),
            cc: Vec::new(),
            bcc: owned(bcc),
            subject: Some("Flight times".to_owned()),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_short_letter_stands_there_whole_line_by_line() {
        let languages = Languages::load().unwrap();
        let short = letter(
            &["bob@example.com"],
            &["x@deals.example"],
            "Dear Bob,\n\nbye.",
        );
        let (lines, shortened) = shown(&short, languages.of("en"));
        let expected = [
            "To “bob@example.com”",
            "Hidden copy to “x@deals.example”",
            "“Flight times”",
            "“Dear Bob,\n\nbye.”",
        ];
        assert_eq!(
            (lines, shortened),
            (expected.map(str::to_owned).to_vec(), false)
        );
    }

    /// A copy that others do not see is named in the least room too, and a text never hides its end.
    #[test]
    fn a_long_letter_shows_who_gets_it_its_beginning_and_its_end() {
        let languages = Languages::load().unwrap();
        let text = format!("Dear Bob,\n{}yours, Anna", "well ".repeat(90));
        let to = ["a@example.com", "b@example.com", "c@example.com"];
        let long = letter(&to, &["x@deals.example"], &text);
        for room in [AMPLE, SCARCE] {
            let mut brief = Brief::within(room);
            let head = LetterHead::of(&long, languages.of("en"), &mut brief);
            let lines = head.lines();
            assert_eq!(lines[0], "To “a@example.com”, “b@example.com” and 1 more");
            assert_eq!(lines[1], "Hidden copy to “x@deals.example”");
            let text = &lines[3];
            assert!(text.starts_with("“Dear Bob, well"), "{text}");
            assert!(text.ends_with("yours, Anna”"), "{text}");
            assert!(brief.shortened);
        }
    }

    #[test]
    fn a_letter_names_so_many_and_has_so_many_lines_of_its_own() {
        let languages = Languages::load().unwrap();
        for (people, lines, shortened) in [
            (MOST_NAMED, MOST_LINES, false),
            (MOST_NAMED + 1, MOST_LINES, true),
            (MOST_NAMED, MOST_LINES + 1, true),
        ] {
            let text = vec!["a"; lines].join("\n");
            let letter = letter(&vec!["b@x"; people], &[], &text);
            let (found, is_short) = shown(&letter, languages.of("en"));
            assert_eq!(is_short, shortened, "{people} {lines}");
            assert_eq!(found[2].contains('\n'), lines == MOST_LINES);
        }
    }
}
