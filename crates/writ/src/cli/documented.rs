//! The commands that README.md and docs/ show are commands of this binary, and docs/commands.md has all of them.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, Parser};

use super::Cli;

/// Of clap itself.
const BUILT_IN: [&str; 2] = ["help", "version"];
/// What the server prints.
const READY: &str = "writ is ready at http://localhost:8080";

#[test]
fn lines_of_writ_in_code_blocks_are_parsed() {
    let mut parsed = 0;
    let mut problems = Vec::new();
    for (page, text) in pages() {
        for command in without_output(&text).lines().flat_map(commands) {
            parsed += 1;
            if let Err(error) = Cli::try_parse_from(words(&command)) {
                problems.push(format!("{page}: `{command}`: {error}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(parsed > 20, "{parsed} lines were found");
}

#[test]
fn commands_and_flags_that_the_text_names_exist() {
    let mut problems = Vec::new();
    for (page, text) in pages() {
        for span in text.split('`').skip(1).step_by(2) {
            let said = span.strip_prefix("writ ").filter(|_| span != READY);
            if let Some(word) = said.and_then(unknown_word) {
                problems.push(format!("{page}: `{word}` of `{span}`"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_page_of_commands_has_every_command_and_flag() {
    let pages = pages();
    let (_, text) = pages
        .iter()
        .find(|(name, _)| name.ends_with("commands.md"))
        .unwrap();
    for (path, command) in leaves(&Cli::command()) {
        let (last, first) = path.split_last().unwrap();
        let group = first.join(" ");
        let has = |line: &str| {
            line.contains(&format!("`writ {}", path.join(" ")))
                || (line.contains(&format!("writ {group}")) && line.contains(&format!("`{last}`")))
        };
        assert!(text.lines().any(has), "`writ {}`", path.join(" "));
        for flag in flags(&command) {
            let there = text.contains(&format!("--{flag}"));
            assert!(there, "`writ {} --{flag}`", path.join(" "));
        }
    }
}

/// README.md and the pages of docs/, with their text.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = vec![root.join("README.md")];
    walk(&root.join("docs"), &mut paths);
    let pages = paths.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.display().to_string(), text)
    });
    pages.collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Without what programs print: blocks of `text`.
fn without_output(page: &str) -> String {
    let mut parts = page.split("```text\n");
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once("```").unwrap_or_default().1);
    [first].into_iter().chain(rest).collect()
}

/// The commands of a line of a code block that call this binary. In the text they begin with a backtick.
fn commands(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or_default();
    let commands = line
        .split(['|', ';', '>'])
        .flat_map(|part| part.split("&&"));
    let commands = commands.map(|command| {
        let words = command.split(' ').filter(|word| !word.is_empty());
        let words = words.skip_while(|word| word.starts_with("WRIT__"));
        words.collect::<Vec<_>>().join(" ")
    });
    commands
        .filter(|command| command.starts_with("writ "))
        .collect()
}

/// As a shell splits them, where nothing is quoted but whole words.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in command.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// The first word of a sentence's command, or the first flag of it, that this binary does not know.
fn unknown_word(said: &str) -> Option<String> {
    let root = Cli::command();
    let (mut command, mut inside) = (&root, true);
    let said = said.replace(['[', ']'], " ");
    for word in said.split_whitespace() {
        let next = command.find_subcommand(word).filter(|_| inside);
        if let Some(flag) = word.strip_prefix("--") {
            let known = flags(command)
                .chain(flags(&root))
                .any(|known| known == flag);
            if !known {
                return Some(word.to_owned());
            }
        } else if let Some(next) = next {
            command = next;
        } else if command.has_subcommands() {
            return Some(word.to_owned());
        } else {
            inside = false;
        }
    }
    None
}

fn flags(command: &Command) -> impl Iterator<Item = String> {
    let flags = command
        .get_arguments()
        .filter_map(|argument| argument.get_long());
    let flags = flags.filter(|flag| !BUILT_IN.contains(flag));
    flags.map(str::to_owned)
}

/// Commands without subcommands, each with the words that lead to it.
fn leaves(command: &Command) -> Vec<(Vec<String>, Command)> {
    let mut found = Vec::new();
    for next in command
        .get_subcommands()
        .filter(|next| next.get_name() != "help")
    {
        let name = next.get_name().to_owned();
        if next.has_subcommands() {
            for (path, leaf) in leaves(next) {
                found.push(([vec![name.clone()], path].concat(), leaf));
            }
        } else {
            found.push((vec![name], next.clone()));
        }
    }
    found
}

#[test]
fn commands_are_read_from_a_line() {
    let line = "    mkdir x && WRIT__A=b writ serve --config w.toml > log   # writ nonsense";
    assert_eq!(commands(line), ["writ serve --config w.toml"]);
    assert_eq!(
        words("writ task stop 'a b' --yes"),
        ["writ", "task", "stop", "a b", "--yes"]
    );
    assert_eq!(unknown_word("client nonsense"), Some("nonsense".to_owned()));
    assert_eq!(
        unknown_word("client add --nonsense"),
        Some("--nonsense".to_owned())
    );
    assert_eq!(
        unknown_word("client add --file CLIENT.json [--config FILE]"),
        None
    );
}

#[test]
fn the_commands_contradict_themselves_nowhere() {
    Cli::command().debug_assert();
}
