//! Commands over types, tasks and tokens: listing and explaining them, and stopping a task.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Subcommand;
use serde_json::{Value, json};
use writ_authority::{TypeDefinition, Types};
use writ_core::id::{DelegationId, TaskId};
use writ_core::lineage::Lineage;
use writ_jose::access_token;
use writ_jose::key::PublicKey;
use writ_server::config::bounded_file::STANDARD_INPUT;
use writ_server::node::type_files::type_files;
use writ_server::operate::elsewhere::{Wish, tip};
use writ_server::operate::stop::stop_task;
use writ_store::DatabaseTransaction;
use writ_store::registered::PAGE;
use writ_store::task::{StoredTask, TasksInOrder};
use writ_wire::jwk::Jwk;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;

use super::by_clock::ByClock;
use super::desk::{Desk, commit_change, load, read_text};
use super::{Configured, Outcome, note, say_json};

/// The most tasks of one list.
const MOST_TASKS: u32 = 1000;

#[derive(Subcommand)]
pub enum TypeCommand {
    /// List the declared types
    List,
    /// Say what is wrong with one type file; `-` is standard input
    Check { file: PathBuf },
}

#[derive(Subcommand)]
pub enum TaskCommand {
    /// List tasks, newest first
    List {
        /// Also those that have ended
        #[arg(long)]
        all: bool,
    },
    /// Stop a task and everything below it
    Stop { id: String },
}

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Say what a token says, and whether everything above it lives
    Explain {
        /// The token; `-` is standard input, so that it stays out of the shell's history
        token: String,
    },
}

pub async fn types(command: TypeCommand, configured: &Configured) -> Outcome {
    match command {
        TypeCommand::List => {
            let documents = type_files(&load(configured)?.types_path)?;
            let types = Types::from_documents(documents).map_err(|e| e.to_string())?;
            types
                .names()
                .filter_map(|name| types.by_name(name))
                .try_for_each(|one| say_json(&described(one)))
        }
        TypeCommand::Check { file } => {
            let definition = TypeDefinition::parse(&read_text(&file)?);
            let definition = definition.map_err(|e| match e.type_name.is_empty() {
                true => format!("`{}`: {}", file.display(), e.sentence),
                false => format!("`{}`: {e}", file.display()),
            })?;
            say_json(&described(&definition))
        }
    }
}

fn described(definition: &TypeDefinition) -> Value {
    let example = definition.example();
    json!({
        "type": definition.name(),
        "version": definition.version(),
        "type_hash": definition.hash(),
        "sentence": example.map(|detail| definition.sentence(&detail, "en")),
    })
}

pub async fn task(command: TaskCommand, configured: &Configured) -> Outcome {
    match command {
        TaskCommand::List { all } => {
            let desk = Desk::open(configured, ByClock::ReadsOrEnds).await?;
            let now = desk.clock.now();
            list_tasks(&mut desk.read().await?, all, now).await
        }
        TaskCommand::Stop { id } => {
            let desk = Desk::open(configured, ByClock::ReadsOrEnds).await?;
            let task = TaskId::from_text(id.as_str());
            let change = desk.change();
            let stopped_at = change.now.rfc3339();
            let mut transaction = desk.begin().await?;
            let tip = match transaction.task(&task).await {
                Ok(Some(_)) => Ok(String::new()),
                Ok(None) => tip(&mut transaction, &id, Wish::Stop).await,
                Err(problem) => Err(problem),
            };
            let tip = tip.map_err(|e| e.to_string())?;
            let done = stop_task(&desk.outbox(), &mut transaction, &task, change).await;
            let done = done.map_err(|e| format!("{e:?}"));
            // Whoever waits does so in the processes of servers, which look for what others changed.
            let _ = commit_change(transaction, done, || {
                format!("there is no live task `{id}`{tip}")
            })
            .await?;
            say_json(&json!({ "task": id, "stopped_at": stopped_at }))
        }
    }
}

/// The newest first, a page at a time.
async fn list_tasks(reading: &mut DatabaseTransaction, all: bool, now: Timestamp) -> Outcome {
    let mut left = MOST_TASKS;
    let mut before: Option<TaskId> = None;
    loop {
        let last = before.as_ref().map(TaskId::as_str);
        let page = reading.tasks_before(TasksInOrder::All, last, PAGE).await;
        let page = page.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        before = Some(last.task.id.clone());
        let is_live =
            |stored: &StoredTask| stored.stopped_at.is_none() && now < stored.task.expires_at;
        for stored in page.iter().filter(|stored| all || is_live(stored)) {
            if left == 0 {
                note(&format!(
                    "the newest {MOST_TASKS} are listed: there are more"
                ));
                return Ok(());
            }
            left -= 1;
            say_json(&task_line(stored, now))?;
        }
    }
}

fn task_line(stored: &StoredTask, now: Timestamp) -> Value {
    let task = &stored.task;
    let state = match stored.stopped_at {
        Some(_) => "stopped",
        None if now >= task.expires_at => "expired",
        None => "active",
    };
    json!({
        "id": task.id,
        "state": state,
        "subject": task.subject.as_str(),
        "client_id": task.client,
        "purpose": task.purpose,
        "authority": task.authority,
        "created_at": task.created_at.rfc3339(),
        "expires_at": task.expires_at.rfc3339(),
        "stopped_at": stored.stopped_at.map(|at| at.rfc3339()),
    })
}

pub async fn token(command: TokenCommand, configured: &Configured) -> Outcome {
    let TokenCommand::Explain { token } = command;
    let token = match token == STANDARD_INPUT {
        true => read_text(Path::new(&token))?.trim().to_owned(),
        false => token,
    };
    let (header, claims) = decode(&token)?;
    let desk = Desk::open(configured, ByClock::ReadsOrEnds).await?;
    let now = desk.clock.now();
    let mut reading = desk.read().await?;
    let keys = reading.signing_keys().await.map_err(|e| e.to_string())?;
    let find = |kid: &str| {
        let row = keys.iter().find(|row| row.kid == kid)?;
        let jwk: Jwk = serde_json::from_str(&row.public_jwk).ok()?;
        PublicKey::from_jwk(&jwk).ok()
    };
    let verified = access_token::verify(&token, find, desk.config.issuer.as_str(), now);
    let lineage = match &verified {
        Ok(claims) => match claims.delegation() {
            Some(id) => reading
                .lineage(&DelegationId::from_text(id))
                .await
                .map_err(|e| e.to_string())?,
            None => None,
        },
        Err(_) => None,
    };
    say_json(&json!({
        "header": header,
        "claims": claims,
        "verified": verified.as_ref().map_or_else(|e| json!(e.to_string()), |_| json!(true)),
        "above": lineage.as_ref().map(|lineage| lineage_report(lineage, now)),
    }))
}

fn lineage_report(lineage: &Lineage, now: Timestamp) -> Value {
    json!({
        "live": lineage.goes_on(now),
        "roles": lineage.roles,
        "stopped": lineage.stopped.map(|stopped| stopped.as_str()),
        "ends_at": lineage.ends_at.rfc3339(),
        "task": lineage.task.id,
        "purpose": lineage.task.purpose,
        "task_authority": lineage.task.authority,
        "approval": lineage.task.approval,
        "delegations": lineage.leaf.path.split('/').collect::<Vec<_>>(),
        "delegation_authority": lineage.leaf.authority,
        "onward": lineage.leaf.onward,
    })
}

/// The header and claims of a token, verified or not.
fn decode(token: &str) -> Result<(Value, Value), String> {
    if token.split('.').count() != 3 {
        return Err(
            "that is no access token of this server: one is three parts with dots between (RFC 9068)"
                .to_owned(),
        );
    }
    let mut parts = token.split('.');
    let mut part = |name: &str| {
        let text = parts
            .next()
            .ok_or_else(|| format!("the token has no {name}"))?;
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| format!("the token's {name} is no base64url"))?;
        strict_json::read(&bytes).map_err(|e| format!("the token's {name} is no JSON: {e}"))
    };
    Ok((part("header")?, part("payload")?))
}
