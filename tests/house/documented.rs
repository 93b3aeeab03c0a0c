//! What the code blocks of README.md and docs/ show is so: Rust compiles (`examples.rs`), files of registrations, types and the
//! configuration are read by what reads them, messages have members, parameters and endpoints that there are. Pages of
//! docs/how-to are played besides (`tests/run how-to`), and the lines of `writ` are parsed in `crates/writ`.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Map, Value, json};
use writ_agent::{JwkSet, Key, Random};
use writ_authority::Types;
use writ_core::client::User;
use writ_core::id::{ClientId, UserId};
use writ_core::registration::{self, People};
use writ_server::config::Config;
use writ_wire::access::EvaluationMembers;
use writ_wire::registration::{ClientFile, ResourceFile};
use writ_wire::resource::ResourceUri;

use super::blocks::{Block, blocks};
use super::known::{METHODS, Source, payment, problem_unless};
use super::shell::shell_problems;
use super::{none, root};

/// Played by `tests/run how-to`.
const PLAYED: &str = "docs/how-to/";
/// A scene runs its shell as it stands: `tests/operate/registration_page.rs`.
const RUN_BY_SCENE: &str = "docs/registration.md";
/// nginx runs it: `conformance/clients/families/nginx.mjs`.
const RUN_BY_NGINX: &str = "docs/forward-auth.md";
/// Drawings and formulas, and what `tests/operate/demo.rs` compares: by page, how many.
const ILLUSTRATIONS: [(&str, usize); 2] = [("README.md", 1), ("docs/approval.md", 1)];
const EXAMPLES: &str = include_str!("examples.rs");
/// Played by `conformance/tests/axum.rs`.
const NOTES_AXUM: &str = include_str!("../../conformance/examples/notes_axum.rs");
const ISSUER: &str = "https://as.example";

#[test]
fn what_code_blocks_show_is_so() {
    let source = Source::read();
    let mut problems = Vec::new();
    let mut illustrations = BTreeMap::new();
    for block in blocks() {
        let found = problems_of(&block, &source);
        problems.extend(found.iter().map(|problem| block.says(problem)));
        if language(&block) == "text" && !block.page.starts_with(PLAYED) {
            *illustrations.entry(block.page).or_default() += 1;
        }
    }
    none(&problems);
    let known = ILLUSTRATIONS.map(|(page, count)| (page.to_owned(), count));
    assert_eq!(illustrations, BTreeMap::from(known));
}

fn problems_of(block: &Block, source: &Source) -> Vec<String> {
    match language(block) {
        "rust" => rust_problems(block),
        "json" | "jsonc" => json_problems(block, source),
        "toml" => toml_problems(block),
        "http" => source.http_problems(&block.text),
        "sh" if block.page == RUN_BY_SCENE => vec![],
        "sh" => shell_problems(block, source),
        "text" => vec![],
        "nginx" if block.page == RUN_BY_NGINX => vec![],
        "yaml" => source.field_problems(&block.text),
        "bash" | "js" | "python" if block.page.starts_with(PLAYED) => vec![],
        other => vec![format!(
            "what is `{other}`? name a language after the fence"
        )],
    }
}

/// An indented block has none, and shows it by how it begins.
fn language(block: &Block) -> &str {
    if !block.language.is_empty() {
        return &block.language;
    }
    let first = block.text.split_whitespace().next().unwrap_or_default();
    match first {
        _ if first.starts_with(['{', '"']) => "json",
        _ if first.starts_with('[') => "toml",
        _ if METHODS.contains(&first) => "http",
        _ => "sh",
    }
}

/// Each line stands in `examples.rs`, or in the program that a test of `conformance` starts: the compiler reads both.
fn rust_problems(block: &Block) -> Vec<String> {
    let lines = |text: &'static str| text.lines().map(str::trim).collect::<Vec<_>>();
    let wanted: Vec<&str> = block.text.lines().map(str::trim).collect();
    let has = |examples: Vec<&str>| examples.windows(wanted.len()).any(|lines| lines == wanted);
    let there = [EXAMPLES, NOTES_AXUM]
        .into_iter()
        .any(|text| has(lines(text)));
    problem_unless(there, || {
        "`tests/house/examples.rs` does not have these lines, so nothing compiles them".to_owned()
    })
}

fn toml_problems(block: &Block) -> Vec<String> {
    let name = format!("writ-documented-{}", Random::System.identifier());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).unwrap();
    let keys = folder.join("keys.json");
    let public = Key::generate(&Random::System).public_jwk();
    std::fs::write(&keys, json!(JwkSet { keys: vec![public] }).to_string()).unwrap();
    let file = folder.join("writ.toml");
    let secret = folder.join("secret");
    std::fs::write(&secret, Random::System.secret()).unwrap();
    // Its owner's alone, as each file of a secret.
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let text = block.text.replace("seer.jwks.json", keys.to_str().unwrap());
    let text = text.replace("/etc/writ/acme-secret", secret.to_str().unwrap());
    std::fs::write(&file, text).unwrap();
    let types = root().join("config/types").to_str().unwrap().to_owned();
    let mut given = BTreeMap::from([
        ("WRIT__KEYS__MASTER".to_owned(), Random::System.secret()),
        ("WRIT__TYPES__PATH".to_owned(), types),
    ]);
    if !block.text.contains("[server]") {
        given.insert("WRIT__SERVER__ISSUER".to_owned(), ISSUER.to_owned());
    }
    let read = Config::load(Some(&file), &given);
    std::fs::remove_dir_all(&folder).unwrap();
    read.err().map(|e| e.to_string()).into_iter().collect()
}

fn json_problems(block: &Block, source: &Source) -> Vec<String> {
    let values = match documents(&block.text) {
        Ok(values) => values,
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let judged = values.into_iter().map(|value| {
        let Value::Object(members) = value else {
            return Err("not an object".to_owned());
        };
        registered(members).unwrap_or_else(|members| source.members(&members))
    });
    judged.filter_map(Result::err).collect()
}

/// Several may follow each other; members may stand without the braces around them; `//` begins a comment.
fn documents(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    let lines = text.lines();
    let lines = lines.map(|line| line.find(" // ").map_or(line, |at| &line[..at]));
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = if text.starts_with('"') {
        format!("{{{text}}}")
    } else {
        text
    };
    serde_json::Deserializer::from_str(&text)
        .into_iter()
        .collect()
}

/// Reads a question of a resource server as the server does.
fn evaluation(question: Value) -> Result<(), String> {
    let members = serde_json::from_value::<EvaluationMembers>(question);
    let members = members.map_err(|error| error.to_string())?;
    members
        .complete()
        .map(drop)
        .map_err(|missing| missing.to_string())
}

/// Reads a file, or members of one, as its command does; gives back what is neither.
fn registered(members: Map<String, Value>) -> Result<Result<(), String>, Map<String, Value>> {
    let types = types();
    let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
    Ok(if has(&["profile"]) {
        client(Value::Object(members), &types)
    } else if has(&["subject"]) {
        evaluation(Value::Object(members))
    } else if has(&["resource", "scopes", "guests"]) {
        resource_with(members)
    } else if has(&["approvers", "may_ask"]) {
        client(agent(members, json!([])), &types)
    } else if has(&["ask", "usual", "en"]) {
        type_with(members)
    } else if has(&["type"]) {
        client(agent(Map::new(), json!([members])), &types)
    } else {
        return Err(members);
    })
}

fn resource_with(members: Map<String, Value>) -> Result<(), String> {
    let scopes = json!(["notes:read"]);
    let mut file =
        json!({ "resource": "https://notes.example", "name": "Notes", "scopes": scopes });
    file.as_object_mut().unwrap().extend(members);
    let file: ResourceFile = serde_json::from_value(file).map_err(|e| e.to_string())?;
    let issuer = ResourceUri::parse(ISSUER).unwrap();
    let read = registration::resource(&file, &issuer);
    read.map(drop).map_err(|e| e.to_string())
}

fn client(file: Value, types: &Types) -> Result<(), String> {
    let file: ClientFile = serde_json::from_value(file).map_err(|e| e.to_string())?;
    let id = ClientId::from_text(file.client_id.clone().unwrap_or_default());
    let somebody = || User::new(UserId::from_text("usr_1"), "alice");
    let people = file.agent.as_ref().map(|_| People {
        owner: somebody(),
        sponsor: somebody(),
    });
    let digest = Some("digest".to_owned());
    let read = registration::client(&file, id, digest, people.as_ref());
    let read = read.and_then(|client| registration::check_types(&client, types));
    read.map_err(|e| e.to_string())
}

/// An agent with further members of `agent`, and with this ceiling.
fn agent(more: Map<String, Value>, details: Value) -> Value {
    let mut agent = json!({
        "owner": "alice",
        "sponsor": "alice",
        "publisher": "Acme",
        "ceiling": { "authorization_details": details, "lifetime": 3600 },
    });
    agent.as_object_mut().unwrap().extend(more);
    let key = Key::generate(&Random::System).public_jwk();
    json!({
        "client_id": "agt_planner",
        "client_name": "Planner",
        "profile": "agent",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "jwks": { "keys": [key] },
        "agent": agent,
    })
}

/// The shipped type of payments, with these members, or with this sentence.
fn type_with(members: Map<String, Value>) -> Result<(), String> {
    let text = payment();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for (name, value) in members {
        let place = if name == "en" {
            &mut document["sentence"]
        } else {
            &mut document
        };
        place[name] = value;
    }
    let read = Types::from_documents([document.to_string()]);
    read.map(drop).map_err(|e| e.to_string())
}

fn types() -> Types {
    let text = payment();
    Types::from_documents([text]).unwrap()
}

#[test]
fn a_block_that_does_not_hold_is_found() {
    let source = Source::read();
    for (language, text) in [
        ("rust", "let nonsense = 1;"),
        ("json", r#"{ "scope": "a", ... }"#),
        ("json", r#"{ "error": "a", "nonsensical": 1 }"#),
        ("json", r#"{ "act": [{ "nonsensical": 1 }] }"#),
        ("json", r#"{ "client_name": "A", "profile": "x" }"#),
        ("json", r#"{ "resource": "https://a.example", "x": 1 }"#),
        ("json", r#""guests": { "mode": "nonsense" }"#),
        ("json", r#""approvers": [{ "of": ["a"], "need": 2 }]"#),
        ("json", r#""en": "Pay {/nonsense}""#),
        ("json", r#"{ "type": "payment", "nonsense": 1 }"#),
        ("toml", "[server]\nnonsense = 1"),
        ("toml", "[features]\nguests = \"perhaps\""),
        ("http", "POST /nonsense"),
        ("http", "Nonsensical: 1"),
        ("http", "scope=a&nonsensical=b"),
        ("sh", "nonsense"),
        ("", "nonsense"),
        ("python", "print()"),
    ] {
        let block = Block {
            page: "docs/page.md".to_owned(),
            line: 1,
            language: language.to_owned(),
            words: String::new(),
            text: text.to_owned(),
        };
        let found = problems_of(&block, &source);
        assert!(!found.is_empty(), "{language}: {text}");
    }
}
