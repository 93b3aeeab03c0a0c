//! What our source knows: names of members and parameters, and paths of endpoints.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{root, rust_files};

pub(super) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "HEAD"];
/// Paths at other people's servers.
const ELSEWHERE: &str = "/your/";

/// The text of the shipped type.
pub(super) fn payment() -> String {
    std::fs::read_to_string(root().join("config/types/payment.json")).unwrap()
}

pub(super) fn problem_unless(so: bool, problem: impl FnOnce() -> String) -> Vec<String> {
    if so { vec![] } else { vec![problem()] }
}

/// The words of our source, without tests and comments.
#[derive(Default)]
pub(super) struct Source {
    words: BTreeSet<String>,
    text: String,
}

impl Source {
    pub(super) fn read() -> Self {
        let files = rust_files().into_iter();
        let files =
            files.filter(|(name, _)| name.starts_with("crates/") && !name.contains("/tests"));
        let lines = files.flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>());
        let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let shipped = payment();
        let shipped = shipped.split(|c: char| !c.is_alphanumeric() && c != '_');
        let words = words.chain(shipped).map(str::to_lowercase).collect();
        Self { words, text }
    }

    fn knows(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        // A header is a constant of the library, or a literal of ours.
        let header = name.contains('-') && self.text.to_lowercase().contains(&name);
        header || self.words.contains(&name.replace('-', "_"))
    }

    /// A literal of exactly this path.
    pub(super) fn has_path(&self, path: &str) -> bool {
        path.starts_with(ELSEWHERE) || self.text.contains(&format!("\"{path}\""))
    }

    /// Members at any depth; `...` stands for others.
    pub(super) fn members(&self, members: &Map<String, Value>) -> Result<(), String> {
        for (name, value) in members {
            if name != "..." && !self.knows(name) {
                return Err(format!("no source file of ours knows the member `{name}`"));
            }
            let inner = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in inner.iter().filter_map(Value::as_object) {
                self.members(value)?;
            }
        }
        Ok(())
    }

    /// Header fields of ours and paths in the configuration of somebody else's program.
    pub(super) fn field_problems(&self, text: &str) -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && !"-_/".contains(c));
        let ours = words.filter(|word| word.starts_with("writ-") || word.starts_with("/access/"));
        let unknown = ours.filter(|word| !self.text.contains(&format!("\"{word}\"")));
        unknown
            .map(|word| format!("no source file of ours has `{word}`"))
            .collect()
    }

    /// Endpoints, headers, parameters and members of requests and answers, which may be abbreviated.
    pub(super) fn http_problems(&self, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [method, path, ..] = words.as_slice()
                && METHODS.contains(method)
                && !self.has_path(path)
            {
                problems.push(format!("there is no `{path}`"));
            }
            let headers = words.iter().filter_map(|word| word.strip_suffix(':'));
            let headers = headers.map(|name| name.trim_matches('"'));
            let parameters = words.iter().flat_map(|word| word.split('&'));
            let parameters = parameters
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, _)| name);
            for name in headers.chain(parameters) {
                if !self.knows(name) {
                    problems.push(format!("no source file of ours knows `{name}`"));
                }
            }
        }
        problems
    }
}
