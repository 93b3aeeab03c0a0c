//! Lines of a shell in the documentation: programs that a reader has, and stages, packages, files and endpoints that there are.

use super::blocks::Block;
use super::known::{Source, problem_unless};
use super::root;

/// Of a system that our pages ask for.
const PROGRAMS: [&str; 20] = [
    ".", "basenc", "bash", "cargo", "cd", "chmod", "chown", "curl", "export", "mkdir", "node",
    "npm", "openssl", "pip", "printf", "python", "python3", "setpriv", "tr", "umask",
];
/// What a reader does with a block of docs/how-to.
const WORDS: [&str; 3] = ["", "install", "keep-running"];
const FOLDERS: [&str; 4] = ["config/", "conformance/", "docs/", "tests/"];

pub(super) fn shell_problems(block: &Block, source: &Source) -> Vec<String> {
    let mut problems = problem_unless(WORDS.contains(&block.words.as_str()), || {
        format!("`sh {}` is not known", block.words)
    });
    let text = block.text.replace("\\\n", " ");
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default();
        for command in line.split(['|', ';']).flat_map(|part| part.split("&&")) {
            problems.extend(command_problems(command, source));
        }
    }
    problems
}

fn command_problems(command: &str, source: &Source) -> Vec<String> {
    let is_setting = |word: &&str| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let words: Vec<&str> = command.split_whitespace().skip_while(is_setting).collect();
    let Some((program, rest)) = words.split_first() else {
        return vec![];
    };
    let mut problems = match *program {
        "tests/run" => stages(rest),
        "cargo" => packages(rest),
        "curl" => endpoints(rest, source),
        // Parsed by the command line itself, in `crates/writ/src/cli/documented.rs`.
        "writ" => vec![],
        _ => problem_unless(PROGRAMS.contains(program), || {
            format!("what is `{program}`? if this is no shell, name a language after a fence")
        }),
    };
    for word in &words {
        let ours = FOLDERS.iter().any(|folder| word.starts_with(folder));
        problems.extend(problem_unless(!ours || root().join(word).exists(), || {
            format!("there is no `{word}`")
        }));
    }
    problems
}

fn stages(words: &[&str]) -> Vec<String> {
    let runner = std::fs::read_to_string(root().join("tests/run")).unwrap();
    let lists = runner.lines().filter(|line| line.contains("=("));
    let known: Vec<&str> = lists.flat_map(|line| line.split(['(', ')', ' '])).collect();
    let stages = words.iter().take_while(|_| words.first() != Some(&"test"));
    let unknown = stages.filter(|stage| !known.contains(stage));
    unknown
        .map(|stage| format!("no stage is called `{stage}`"))
        .collect()
}

fn packages(words: &[&str]) -> Vec<String> {
    let named = words.windows(2).filter(|pair| pair[0] == "-p");
    let unknown = named.map(|pair| pair[1]).filter(|name| {
        let folder = name.strip_prefix("writ-").unwrap_or(name);
        !root()
            .join("crates")
            .join(folder)
            .join("Cargo.toml")
            .exists()
    });
    unknown
        .map(|name| format!("no package is called `{name}`"))
        .collect()
}

fn endpoints(words: &[&str], source: &Source) -> Vec<String> {
    let urls = words.iter().filter_map(|word| url::Url::parse(word).ok());
    let unknown = urls.filter(|url| url.has_host() && !source.has_path(url.path()));
    unknown
        .map(|url| format!("there is no `{}`", url.path()))
        .collect()
}

#[test]
fn a_line_that_does_not_hold_is_found() {
    for (line, wrong) in [
        ("tests/run unit nonsense", true),
        ("tests/run test anything", false),
        ("cargo run -p writ-nonsense", true),
        ("WRIT_X=1 cargo run -p writ -- demo", false),
        ("node conformance/nonsense.mjs", true),
        ("curl -u a:B -d c=d https://as.example/nonsense", true),
        ("nonsense", true),
    ] {
        let empty = Source::default();
        assert_eq!(!command_problems(line, &empty).is_empty(), wrong, "{line}");
    }
}
