//! `writ mcp`: the tools of an MCP server as actions of a resource, and what changed of them since (docs/mcp.md). A description never
//! becomes a sentence, and each tool asks a person until an operator confirms it by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use writ_authority::{MAX_ACTION_NAME, check_arguments, enforceable, left_out};
use writ_core::registration::is_action_name;
use writ_core::words;
use writ_gate::{ToolDefinition, ToolsError, Upstream, is_action_of_method, list_tools};
use writ_server::config::bounded_file::named;
use writ_wire::resource::ResourceUri;
use writ_wire::strict_json;

use super::desk::read_text;
use super::gate::secret;
use super::{Outcome, note, say_json};

#[derive(Subcommand)]
pub enum McpCommand {
    /// Print a RESOURCE.json with one action for each tool of the server at URL
    Add(McpAddArguments),
    /// Say what changed of the tools since the file was made; a failure if anything did
    Diff(McpDiffArguments),
}

#[derive(Args)]
pub struct McpAddArguments {
    /// The server's MCP endpoint
    url: String,
    /// The URL that clients are given, if that is another one: of a gate
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// What people read; the host, unless it is said
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The client that serves the resource
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// The scope that covers the tools
    #[arg(long, value_name = "SCOPE", default_value = "tools")]
    scope: String,
    /// A tool that needs no person for each call; can be given several times
    #[arg(long, value_name = "TOOL")]
    confirm: Vec<String>,
    #[command(flatten)]
    reached: Reached,
}

#[derive(Args)]
pub struct McpDiffArguments {
    /// The file that `writ mcp add` printed, or `writ resource show`
    file: PathBuf,
    /// The server's MCP endpoint, if that is not the resource itself
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    #[command(flatten)]
    reached: Reached,
}

#[derive(Args)]
struct Reached {
    /// The file with the value of `Authorization` for the server, if it wants one
    #[arg(long, value_name = "FILE")]
    authorization_file: Option<PathBuf>,
}

pub async fn mcp(command: McpCommand) -> Outcome {
    match command {
        McpCommand::Add(arguments) => add(&arguments).await,
        McpCommand::Diff(arguments) => diff(&arguments).await,
    }
}

async fn add(arguments: &McpAddArguments) -> Outcome {
    let tools = read_tools(&arguments.url, &arguments.reached).await?;
    let confirmed: BTreeSet<&str> = arguments.confirm.iter().map(String::as_str).collect();
    let served = ServedResource {
        resource: arguments.resource.as_deref().unwrap_or(&arguments.url),
        name: arguments.name.as_deref(),
        client_id: &arguments.client_id,
        scope: &arguments.scope,
    };
    say_json(&document(&tools, &served, &confirmed)?)
}

/// What a RESOURCE.json says beside the tools.
pub struct ServedResource<'a> {
    /// The URL that clients are given.
    pub resource: &'a str,
    /// What people read; the host, unless it is said.
    pub name: Option<&'a str>,
    /// The client that serves the resource.
    pub client_id: &'a str,
    /// Covers the tools.
    pub scope: &'a str,
}

/// The RESOURCE.json of a server with these tools, of which the confirmed ones need no person for each call.
pub fn document(
    tools: &BTreeMap<String, ToolDefinition>,
    served: &ServedResource<'_>,
    confirmed: &BTreeSet<&str>,
) -> Result<Value, String> {
    let resource = ResourceUri::parse(served.resource).map_err(|e| e.to_string())?;
    if let Some(unknown) = confirmed.iter().find(|name| !tools.contains_key(**name)) {
        return Err(format!("the server has no tool `{unknown}`"));
    }
    let mut actions = Map::new();
    for (name, tool) in tools {
        if is_action_of_method(name) {
            note(&named_as_a_method(name));
        } else if is_action_name(name) {
            let ask = !confirmed.contains(name.as_str());
            actions.insert(name.clone(), action(tool, served.scope, ask));
            if let Some(left) = left_out_of(tool) {
                note(&left);
            }
        } else {
            note(&format!(
                "`{}` cannot be called: the name of a tool is 1 to {MAX_ACTION_NAME} ASCII letters, digits and `_-./:`",
                name.escape_debug()
            ));
        }
    }
    let title = served
        .name
        .map_or_else(|| host(resource.as_str()), str::to_owned);
    let scope = json!({ "name": served.scope, "says": words_of_scope(&title) });
    Ok(json!({
        "resource": resource,
        "name": title,
        "client_id": served.client_id,
        "scopes": [scope],
        "verifies_proofs": true,
        "actions": actions,
        // A tool that comes later is asked about by its name.
        "unknown_actions": { "scope": served.scope },
    }))
}

fn named_as_a_method(tool: &str) -> String {
    format!("`{tool}` cannot be called: a method has that name")
}

/// What a person reads who is asked for the scope: the name of a scope says nothing to them.
fn words_of_scope(title: &str) -> Value {
    let words = [
        ("en", format!("Use the tools of {title}")),
        ("de", format!("Die Werkzeuge von {title} benutzen")),
    ];
    let is_plain = |text: &String| words::clean(text, words::LONGEST_WORDS) == *text;
    match words.iter().all(|(_, text)| is_plain(text)) {
        true => words
            .map(|(language, text)| (language.to_owned(), json!(text)))
            .into_iter()
            .collect(),
        false => {
            json!({ "en": "Use the tools of this server", "de": "Die Werkzeuge dieses Servers benutzen" })
        }
    }
}

/// The sentence is made of the tool's name alone: what the server says of it is the server's.
fn action(tool: &ToolDefinition, scope: &str, ask: bool) -> Value {
    let says = json!({
        "en": format!("use the tool {}", tool.name),
        "de": format!("das Werkzeug {} benutzen", tool.name),
    });
    let members = [
        ("scope", scope.into()),
        ("ask", ask.into()),
        ("says", says),
        ("definition_hash", tool.hash.as_str().into()),
    ];
    let arguments = arguments_of(tool).ok().map(|schema| ("arguments", schema));
    let members = members.into_iter().chain(arguments);
    members
        .map(|(name, member)| (name.to_owned(), member))
        .collect()
}

/// What of its input schema is enforced.
fn arguments_of(tool: &ToolDefinition) -> Result<Value, String> {
    let schema = enforceable(&tool.input_schema);
    let checked = check_arguments(&schema);
    checked.map_err(|error| format!("`{}` {}", error.pointer, error.sentence))?;
    Ok(schema)
}

/// What of its input schema is not enforced, for the operator.
fn left_out_of(tool: &ToolDefinition) -> Option<String> {
    let name = tool.name.escape_debug();
    match arguments_of(tool) {
        Err(why) => Some(format!(
            "`{name}`: no arguments are refused, because of its schema {why}"
        )),
        Ok(_) => {
            let lost = left_out(&tool.input_schema)?;
            Some(format!(
                "`{name}`: not all of its schema is enforced: `{}` {}",
                lost.pointer, lost.sentence
            ))
        }
    }
}

async fn diff(arguments: &McpDiffArguments) -> Outcome {
    let file = read_file(&arguments.file)?;
    let resource = file
        .get("resource")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let url = arguments.upstream.as_deref().unwrap_or(resource);
    let tools = read_tools(url, &arguments.reached).await?;
    let (changed, new, gone) = compared(&file, &tools);
    for tool in new.iter().filter(|tool| is_action_of_method(tool)) {
        note(&named_as_a_method(tool));
    }
    let is_same = changed.is_empty() && new.is_empty() && gone.is_empty();
    say_json(&json!({ "changed": changed, "new": new, "gone": gone }))?;
    match is_same {
        true => Ok(()),
        false => Err("the tools are not those of the file: a person is asked about what changed, and about each call of what is new, if `unknown_actions` is there".to_owned()),
    }
}

type Names = Vec<String>;

fn compared(file: &Value, tools: &BTreeMap<String, ToolDefinition>) -> (Names, Names, Names) {
    let empty = Map::new();
    let actions = file
        .get("actions")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let hashes: BTreeMap<&String, Option<&str>> = actions
        .iter()
        .map(|(name, action)| (name, action.get("definition_hash").and_then(Value::as_str)))
        .collect();
    let is_changed = |tool: &&ToolDefinition| {
        let kept = hashes.get(&tool.name).copied().flatten();
        kept.is_some_and(|hash| hash != tool.hash)
    };
    // What stands there by the name of a method is about that method.
    let is_new = |tool: &&ToolDefinition| {
        !hashes.contains_key(&tool.name) || is_action_of_method(&tool.name)
    };
    let names = |of: Vec<&ToolDefinition>| of.into_iter().map(|tool| tool.name.clone()).collect();
    // Actions without a hash are no tools.
    let gone = hashes
        .iter()
        .filter(|(name, hash)| hash.is_some() && !tools.contains_key(**name));
    (
        names(tools.values().filter(is_changed).collect()),
        names(tools.values().filter(is_new).collect()),
        gone.map(|(name, _)| (*name).clone()).collect(),
    )
}

async fn read_tools(
    url: &str,
    reached: &Reached,
) -> Result<BTreeMap<String, ToolDefinition>, String> {
    let authorization = reached.authorization_file.as_deref();
    let authorization = authorization.map(secret).transpose()?;
    tools_of(url, authorization.as_ref().map(|text| text.as_str())).await
}

/// The tools of the server at this URL, which may want a value of `Authorization`.
pub async fn tools_of(
    url: &str,
    authorization: Option<&str>,
) -> Result<BTreeMap<String, ToolDefinition>, String> {
    let parsed = url.parse().map_err(|e| format!("`{url}` is no URL: {e}"))?;
    let upstream = Upstream::new(parsed, authorization).map_err(|e| e.to_string())?;
    let tools = list_tools(&upstream).await;
    tools.map_err(|e| match e {
        ToolsError::Unauthorized => format!("`{url}` wants a token (401): {WITHOUT_ITS_GUARD}"),
        other => format!("`{url}`: {other}"),
    })
}

/// What of this project stands before a server already answers so, too.
const WITHOUT_ITS_GUARD: &str = "start the server without its guard or gate, on loopback, and name it here as it is then; or put the value of `Authorization` that it wants into a file, and say `--authorization-file FILE`";

fn read_file(file: &Path) -> Result<Value, String> {
    let text = read_text(file)?;
    strict_json::read(text).map_err(|e| format!("{}: {e}", named(file)))
}

/// Between the scheme and the path.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
