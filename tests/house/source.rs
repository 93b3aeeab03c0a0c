//! Rust source as code alone, and the functions that are in it.

/// Comments and literals are blank; lines stay where they are.
pub(super) fn code(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = end_of_blank(&letters, at);
        for letter in &letters[at..end] {
            code.push(if *letter == '\n' { '\n' } else { ' ' });
        }
        if end == at {
            code.push(letters[at]);
        }
        at = end.max(at + 1);
    }
    code
}

/// Where a comment or literal that begins here ends; here, if none does.
fn end_of_blank(letters: &[char], at: usize) -> usize {
    let next = letters.get(at + 1).copied();
    let in_word = at > 0 && is_word(letters[at - 1]);
    match letters[at] {
        '/' if next == Some('/') => find(letters, at, '\n'),
        '/' if next == Some('*') => end_of_block(letters, at),
        '"' => end_of_string(letters, at + 1),
        'r' if !in_word || letters[at - 1] == 'b' => end_of_raw(letters, at),
        '\'' => end_of_char(letters, at),
        _ => at,
    }
}

fn find(letters: &[char], from: usize, letter: char) -> usize {
    let rest = letters.get(from..).unwrap_or_default();
    let found = rest.iter().position(|other| *other == letter);
    found.map_or(letters.len(), |place| from + place)
}

fn end_of_block(letters: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (1, at + 2);
    while at < letters.len() && depth > 0 {
        match (letters[at], letters.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn end_of_string(letters: &[char], from: usize) -> usize {
    let mut at = from;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(letters.len())
}

/// `r"..."` and `r#"..."#`; `r#name` is none.
fn end_of_raw(letters: &[char], at: usize) -> usize {
    let hashes = letters[at + 1..].iter().take_while(|c| **c == '#').count();
    let mut end = at + 1 + hashes;
    if letters.get(end) != Some(&'"') {
        return at;
    }
    loop {
        end = find(letters, end + 1, '"');
        let closing = letters.get(end + 1..end + 1 + hashes);
        if end >= letters.len() || closing.is_some_and(|c| c.iter().all(|c| *c == '#')) {
            return (end + 1 + hashes).min(letters.len());
        }
    }
}

/// A lifetime is none.
fn end_of_char(letters: &[char], at: usize) -> usize {
    match (letters.get(at + 1), letters.get(at + 2)) {
        (Some('\\'), _) => (find(letters, at + 3, '\'') + 1).min(letters.len()),
        (_, Some('\'')) => at + 3,
        _ => at,
    }
}

pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The word at the beginning.
pub(super) fn word(text: &str) -> &str {
    let end = text.find(|letter| !is_word(letter));
    &text[..end.unwrap_or(text.len())]
}

/// What follows each place where `mark` stands as a word of its own.
pub(super) fn after_word<'a>(
    code: &'a str,
    mark: &'a str,
) -> impl Iterator<Item = (usize, &'a str)> + 'a {
    code.match_indices(mark).filter_map(move |(at, _)| {
        let rest = &code[at + mark.len()..];
        let alone = !code[..at].ends_with(is_word) && !rest.starts_with(is_word);
        alone.then_some((at, rest))
    })
}

pub(super) struct Function<'a> {
    pub(super) line: usize,
    pub(super) name: &'a str,
    pub(super) parameters: Vec<&'a str>,
}

/// Each `fn name(...)`, of traits too; `$name` of a macro and the type `fn(...)` are none.
pub(super) fn functions(code: &str) -> Vec<Function<'_>> {
    let found = after_word(code, "fn").filter_map(|(at, rest)| {
        let rest = rest.trim_start();
        let name = word(rest);
        let mut rest = rest[name.len()..].trim_start();
        if rest.starts_with('<') {
            rest = rest[group(rest)?.len() + 2..].trim_start();
        }
        if name.is_empty() || !rest.starts_with('(') {
            return None;
        }
        Some(Function {
            line: code[..at].matches('\n').count() + 1,
            name,
            parameters: split(group(rest)?, ','),
        })
    });
    found.collect()
}

/// What stands inside the bracket at the beginning.
pub(super) fn group(text: &str) -> Option<&str> {
    let end = depths(text).find(|(at, _, depth)| *at > 0 && *depth == 0)?;
    text.get(1..end.0)
}

/// Parts between separators that stand in no bracket, trimmed, empty ones left out.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, letter, depth) in depths(text) {
        // `::` separates nothing.
        let doubled = text[at + 1..].starts_with(separator) || text[..at].ends_with(separator);
        if letter == separator && depth == 0 && !doubled {
            parts.push(&text[from..at]);
            from = at + 1;
        }
    }
    parts.push(&text[from..]);
    let parts = parts.into_iter().map(str::trim);
    parts.filter(|part| !part.is_empty()).collect()
}

/// Each ASCII letter with its place and how deep in brackets the text is after it.
fn depths(text: &str) -> impl Iterator<Item = (usize, char, i32)> {
    let mut depth = 0;
    let mut before = ' ';
    let letters = text.char_indices().filter(|(_, letter)| letter.is_ascii());
    letters.map(move |(at, letter)| {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            // `->` and `=>` close nothing.
            '>' if matches!(before, '-' | '=') => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        before = letter;
        (at, letter, depth)
    })
}

#[test]
fn comments_and_literals_are_blank() {
    let text =
        "a // \"b\"\n/* c /* d */ */ \"\\\"e\" r#\"f\"g\"# 'h' '\\'' x::<'i>(b\"j\", br\"k\") r#l";
    let words: Vec<String> = code(text).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words, ["a", "x::<'i>(b", ",", "b", ")", "r#l"]);
    assert_eq!(code(text).matches('\n').count(), 1);
}

#[test]
fn functions_are_found_with_their_parameters() {
    let text = "trait T { async fn one<F: Fn(u8) -> u8, const N: usize>(&self, (a, b): (A<B, C>, D), f: F,) -> X; }\n\
                macro_rules! m { () => { fn $name(a: A) {} } }\nstruct S { f: fn(A, B) }\nfn two() {}";
    let found = code(text);
    let found = functions(&found);
    let names: Vec<(usize, &str)> = found.iter().map(|f| (f.line, f.name)).collect();
    assert_eq!(names, [(1, "one"), (4, "two")]);
    assert_eq!(
        found[0].parameters,
        ["&self", "(a, b): (A<B, C>, D)", "f: F"]
    );
    assert!(found[1].parameters.is_empty());
}
