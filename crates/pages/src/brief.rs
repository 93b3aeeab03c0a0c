//! Long values on the first screen: their beginning and their end. All of them stands under the details.

use super::sentence::{Part, Sentence};

/// How much of one value is shown: words, and characters.
#[derive(Clone, Copy)]
pub(super) struct Most {
    words: usize,
    characters: usize,
}

pub(super) const NAME: Most = Most {
    words: 6,
    characters: 40,
};
pub(super) const VALUE: Most = Most {
    words: 5,
    characters: 48,
};
/// A value in a line with others.
pub(super) const IN_LINE: Most = Most {
    words: 4,
    characters: 40,
};
/// Words of a line altogether.
const LINE_WORDS: usize = 14;

/// The value, or its beginning and its end with [`CUT`] between them.
pub(super) fn brief(text: &str, most: Most) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let short = match words.len() > most.words {
        true => {
            let (first, last) = (most.words.div_ceil(2), most.words / 2);
            let end = words.len() - last;
            let all = words.iter().take(first).chain([&CUT]);
            let all = all.chain(words.iter().skip(end)).copied();
            all.collect::<Vec<_>>().join(" ")
        }
        false => text.to_owned(),
    };
    let length = short.chars().count();
    if length <= most.characters {
        return short;
    }
    let half = (most.characters - 1) / 2;
    let start: String = short.chars().take(half).collect();
    let end: String = short.chars().skip(length - half).collect();
    format!("{}{CUT}{}", start.trim_end(), end.trim_start())
}

/// A line of words and values: each value short, and no more than [`LINE_WORDS`] words.
pub(super) fn brief_line(line: &Sentence) -> Sentence {
    let mut parts = Vec::new();
    let mut left = LINE_WORDS;
    for part in &line.parts {
        let part = match part {
            Part::Words(text) => Part::Words(text.clone()),
            Part::Value(text) => Part::Value(brief(text, IN_LINE)),
            Part::Block(_) => Part::Words(CUT.to_owned()),
        };
        let words = part.text().split_whitespace().count();
        if words > left {
            if let Part::Words(text) = &part {
                let some: Vec<&str> = text.split_whitespace().take(left).collect();
                parts.push(Part::Words(format!(" {}", some.join(" "))));
            }
            parts.push(Part::Words(format!(" {CUT}")));
            break;
        }
        left -= words;
        parts.push(part);
    }
    Sentence { parts }
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
            ("one two three four five", "one two three four five"),
            (
                "one two three four five six seven",
                "one two three … six seven",
            ),
            (&"x".repeat(48), &*"x".repeat(48)),
            (
                &format!("{}{}", "a".repeat(70), "b".repeat(70)),
                &*format!("{}…{}", "a".repeat(23), "b".repeat(23)),
            ),
        ] {
            assert_eq!(brief(value, VALUE), shown);
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
        let shown = brief_line(&line).to_string();
        assert_eq!(
            shown,
            "with a b … e f and one two three four five six seven …"
        );
    }
}
