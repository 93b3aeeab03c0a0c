//! Makes text from others safe to show beside our own: one line, nothing invisible, nothing that
//! turns the writing direction, no links, no look-alike letters (Unicode TR 36
//! and TR 39). What hides, stacks up or looks alike is one list: `authority/src/letters.rs`.

use writ_authority::letters::{is_hidden, is_look_alike, is_mark, looks_mixed, most_marks, words};

/// The most characters of a client's own words that a page shows.
pub const LONGEST_WORDS: usize = 140;

/// What a client says about itself: one line of at most `max_chars` (never over [`LONGEST_WORDS`]),
/// links neutralised, and nothing in it can close the quotation marks around it.
pub fn clean(text: &str, max_chars: usize) -> String {
    let shown: String = visible(text).map(single_quote).collect();
    let line = one_line(&unmixed(&without_links(&shown)));
    shortened(&line, max_chars.min(LONGEST_WORDS))
}

/// A sentence that this server wrote around values from a request: as [`clean`], but complete and
/// with addresses, because what is cut off a sentence is not approved by anybody.
pub fn plain(text: &str) -> String {
    let shown: String = visible(text).collect();
    one_line(&unmixed(&shown))
}

/// Drops what cannot be seen, folds wide letters, and keeps as many marks on a letter as can be told apart.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let mut marks = 0;
    // What is dropped first does not part a letter from its marks.
    let seen = text.chars().map(unfold).filter(|c| !is_hidden(*c));
    seen.filter(move |c| {
        marks = if is_mark(*c) { marks + 1 } else { 0 };
        marks <= most_marks(*c)
    })
}

/// Full-width forms become ASCII; line ends and other spaces become a space.
fn unfold(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or('?'),
        c if c.is_whitespace() => ' ',
        c => c,
    }
}

fn single_quote(c: char) -> char {
    match c {
        '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '〝' | '〞' | '〟' | '″' | '‶' | '˝' | 'ʺ'
        | 'ˮ' => '\'',
        c => c,
    }
}

/// Removes schemes and `www.` until none is left, so that removing one never makes another.
fn without_links(text: &str) -> String {
    let mut line = text.to_owned();
    while let Some((start, end)) = link_start(&line) {
        let (before, rest) = (line.get(..start), line.get(end..));
        line = [before.unwrap_or_default(), rest.unwrap_or_default()].concat();
    }
    line
}

/// Where the first mark of a link begins and ends, in bytes.
fn link_start(line: &str) -> Option<(usize, usize)> {
    // ASCII lower case keeps every byte in its place.
    let lower = line.to_ascii_lowercase();
    if let Some(colon) = lower.find("://") {
        let scheme = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let before = lower.get(..colon).unwrap_or_default();
        let start = before.trim_end_matches(|c| !scheme(c)).len();
        return Some((start, colon + "://".len()));
    }
    LINK_MARKS
        .iter()
        .find_map(|mark| lower.find(mark).map(|start| (start, start + mark.len())))
}

/// Replaces the look-alike letters of each word that mixes them with Latin ones.
fn unmixed(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for piece in words(text) {
        if looks_mixed(piece) {
            line.extend(
                piece
                    .chars()
                    .map(|c| if is_look_alike(c) { '?' } else { c }),
            );
        } else {
            line.push_str(piece);
        }
    }
    line
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(line: &str, max_chars: usize) -> String {
    if line.chars().count() <= max_chars {
        return line.to_owned();
    }
    let kept: String = line.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

const LINK_MARKS: [&str; 5] = ["www.", "mailto:", "tel:", "javascript:", "data:"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_and_controls_become_one_line() {
        assert_eq!(
            clean("  a\r\n\tb\u{2028}c \u{0} d\u{1b}[31m ", 140),
            "a b c d[31m"
        );
    }

    #[test]
    fn long_text_ends_with_an_ellipsis_at_the_limit() {
        let shown = clean(&"ä".repeat(500), 1000);
        assert_eq!(shown.chars().count(), 140);
        assert!(shown.ends_with('…'));
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abcde…");
        assert_eq!(clean("abcd efg", 6), "abcd…");
    }

    #[test]
    fn direction_controls_are_removed() {
        for c in ('\u{202A}'..='\u{202E}').chain('\u{2066}'..='\u{2069}') {
            assert_eq!(
                clean(&format!("pay{c}100"), 140),
                "pay100",
                "{:x}",
                c as u32
            );
        }
        assert_eq!(clean("a\u{200E}b\u{200F}c\u{061C}d", 140), "abcd");
        assert_eq!(plain("EUR \u{202E}001"), "EUR 001");
    }

    #[test]
    fn characters_without_width_and_tags_are_removed() {
        assert_eq!(
            clean(
                "a\u{200B}b\u{200C}c\u{200D}d\u{2060}e\u{FEFF}f\u{00AD}g",
                140
            ),
            "abcdefg"
        );
        assert_eq!(clean("ok\u{E0001}\u{E0041}\u{E007F}", 140), "ok");
        assert_eq!(clean("o\u{FE0F}k\u{E0100}", 140), "ok");
    }

    #[test]
    fn a_tower_of_marks_is_cut_down() {
        assert_eq!(
            clean(&format!("e{}x", "\u{0301}".repeat(40)), 140),
            "e\u{0301}\u{0301}x"
        );
        // Thai and Arabic marks are marks too, and what is dropped between them is no new letter.
        for (letter, mark) in [('\u{e01}', '\u{e47}'), ('\u{628}', '\u{610}')] {
            let marks = format!("{mark}\u{200b}").repeat(60);
            let shown = clean(&format!("{letter}{marks}{letter}"), 140);
            let four = mark.to_string().repeat(4);
            assert_eq!(shown, format!("{letter}{four}{letter}"));
        }
    }

    #[test]
    fn links_are_neutralised() {
        assert_eq!(
            clean("see https://evil.example/x now", 140),
            "see evil.example/x now"
        );
        assert_eq!(
            clean("HTTP://A.example WWW.b.example", 140),
            "A.example b.example"
        );
        assert_eq!(clean("hthttp://tp://a www.wwwwww..b", 140), "a b");
        assert_eq!(clean("h\u{200B}ttps://a ｈｔｔｐｓ：／／b", 140), "a b");
        assert_eq!(clean("mailto:x@y ftp://z JavaScript:1", 140), "x@y z 1");
    }

    #[test]
    fn look_alike_letters_in_a_latin_word_are_replaced() {
        assert_eq!(clean("P\u{0430}yP\u{0430}l", 140), "P?yP?l");
        assert_eq!(clean("\u{0391}cme Bank", 140), "?cme Bank");
        assert_eq!(plain("to K\u{13DE}M"), "to K?M");
        assert_eq!(clean("\u{1D5D4}cme", 140), "?cme");
        assert_eq!(
            clean("ᴘaypal, gဝဝgle, 1З5 and ୦penai", 140),
            "?aypal, g??gle, 1?5 and ?penai"
        );
    }

    #[test]
    fn words_in_one_script_stay() {
        assert_eq!(clean("Привет Acme", 140), "Привет Acme");
        let right = "Eʋegbe, Oʻzbekcha maʼno, 5 kΩ, 3 µm, ใช้Acme, PDFটি";
        assert_eq!(clean(right, 140), right);
        assert_eq!(
            clean("Ελλάδα, café, Łódź 東京 שלום", 140),
            "Ελλάδα, café, Łódź 東京 שלום"
        );
        assert!(looks_mixed("\u{0410}cme") && !looks_mixed("Acme") && !looks_mixed("Асме"));
    }

    #[test]
    fn nothing_closes_the_quotation() {
        assert_eq!(
            clean("fine” Verified by “Acme\"", 140),
            "fine' Verified by 'Acme'"
        );
        assert_eq!(clean("fineˮ Verified″", 140), "fine' Verified'");
    }

    #[test]
    fn a_sentence_is_never_cut() {
        let long = format!("Use {} at https://bank.example", "x".repeat(300));
        assert_eq!(plain(&long), long);
    }
}
