//! The code blocks of README.md and docs/: fenced ones, and those that are indented by four (CommonMark sections 4.4 and 4.5).

use super::files;

pub(super) struct Block {
    pub(super) page: String,
    pub(super) line: usize,
    /// The first word after the fence; empty for an indented block.
    pub(super) language: String,
    /// What stands after it.
    pub(super) words: String,
    pub(super) text: String,
}

impl Block {
    pub(super) fn says(&self, problem: &str) -> String {
        format!("{}:{}: {problem}", self.page, self.line)
    }
}

/// README.md and the pages of docs/, with their text.
pub(super) fn pages() -> Vec<(String, String)> {
    let mut pages = files();
    pages.retain(|(name, _)| {
        name == "README.md" || (name.starts_with("docs/") && name.ends_with(".md"))
    });
    assert!(pages.len() > 30, "the pages are not there");
    pages
}

pub(super) fn blocks() -> Vec<Block> {
    let pages = pages();
    let blocks = pages.iter().flat_map(|(page, text)| blocks_of(page, text));
    blocks.collect()
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    // Where the text of the list's item begins; an indented block follows an empty line.
    let (mut item, mut after_empty, mut at) = (0, true, 0);
    while at < lines.len() {
        let (line, indent) = (lines[at], indent(lines[at]));
        if line.trim().is_empty() {
            (after_empty, at) = (true, at + 1);
            continue;
        }
        if after_empty && indent < item {
            item = 0;
        }
        if let Some(info) = line.trim_start().strip_prefix("```") {
            let end = end_of_fence(&lines, at);
            found.push(block(page, at, info, &lines[at + 1..end], indent));
            (after_empty, at) = (false, end + 1);
        } else if after_empty && indent >= item + 4 {
            let end = end_of_indented(&lines, at, item + 4);
            found.push(block(page, at, "", &lines[at..end], item + 4));
            (after_empty, at) = (false, end);
        } else {
            item = marker(line).map_or(item, |width| indent + width);
            (after_empty, at) = (false, at + 1);
        }
    }
    found
}

fn block(page: &str, at: usize, info: &str, lines: &[&str], indent: usize) -> Block {
    let (language, words) = info.trim().split_once(' ').unwrap_or((info.trim(), ""));
    let lines = lines.iter().map(|line| line.get(indent..).unwrap_or(""));
    Block {
        page: page.to_owned(),
        line: at + 1,
        language: language.to_owned(),
        words: words.trim().to_owned(),
        text: lines.collect::<Vec<_>>().join("\n"),
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn end_of_fence(lines: &[&str], from: usize) -> usize {
    let rest = lines.iter().skip(from + 1);
    let length = rest.take_while(|line| line.trim() != "```").count();
    from + 1 + length
}

/// Empty lines at its end do not belong to it.
fn end_of_indented(lines: &[&str], from: usize, least: usize) -> usize {
    let inside = |line: &&&str| line.trim().is_empty() || indent(line) >= least;
    let mut end = from + lines[from..].iter().take_while(inside).count();
    while lines[end - 1].trim().is_empty() {
        end -= 1;
    }
    end
}

/// The width of what begins an item of a list.
fn marker(line: &str) -> Option<usize> {
    let line = line.trim_start();
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let bullet = if digits > 0 { ". " } else { "- " };
    line[digits..]
        .starts_with(bullet)
        .then(|| digits + bullet.len())
}

#[test]
fn blocks_are_found_fenced_and_indented_also_in_lists() {
    let text = "one\n\n    a\n\n    b\n\ntwo\n    no block\n\n1. three\n   three\n\n       c\n\n   ```rust x y\n   d\n     e\n   ```\n\n\
                four\n\n```\nf\n```\n- five\n\n    of five\n\n      g\n";
    let found = blocks_of("page", text);
    let found: Vec<(usize, &str, &str, &str)> = found
        .iter()
        .map(|block| {
            let (language, words) = (block.language.as_str(), block.words.as_str());
            (block.line, language, words, block.text.as_str())
        })
        .collect();
    assert_eq!(
        found,
        [
            (3, "", "", "a\n\nb"),
            (13, "", "", "c"),
            (15, "rust", "x y", "d\n  e"),
            (22, "", "", "f"),
            (29, "", "", "g"),
        ]
    );
}
