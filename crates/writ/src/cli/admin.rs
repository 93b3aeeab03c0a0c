//! Commands that register or change something; each change writes an audit event.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_core::registration::dynamic::RegistrationMode;
use writ_core::signing::KeyState;
use writ_server::node::keyring;
use writ_server::operate::change_client::ClientKind;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_server::operate::invite::{InviteTerms, invite_clients};
use writ_server::operate::suspend::{resume_agent, suspend_agent};
use writ_wire::registration::{GuestMode, GuestsFile, ResourceFile};

use super::desk::{Desk, commit_change, load, read_file, read_input, read_json};
use super::passkeys::{PasskeysArgument, passkeys};
use super::registered::{
    self, ClientChangeArguments, KeyArguments, ListArguments, RemoveArguments,
    ResourceChangeArguments, RotateSecretArguments, list,
};
use super::{Configured, Outcome, say, say_json};

#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a person
    Add {
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// List all people
    List(ListArguments),
    /// Show one person
    Show { name: String },
    /// Give a person a new password, which ends their logins
    Change {
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Remove a person for good, and end everything that hangs from them
    Remove(RemoveArguments),
    /// Stop a person and everything that hangs from them, until they are enabled
    Disable { name: String },
    /// Let a disabled person in again
    Enable { name: String },
    /// List a person's passkeys, or remove them
    Passkeys(PasskeysArgument),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Password {
    /// File with the password; a newline at its end does not count
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Args)]
pub struct FileArgument {
    /// The JSON file
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Subcommand)]
pub enum ClientCommand {
    /// Register a client; prints what was registered, with its secret where one is due
    Add(FileArgument),
    /// List all clients
    List(ListArguments),
    /// Show a client's file
    Show { id: String },
    /// Replace a client's file, or change single members
    Change(ClientChangeArguments),
    /// Remove a client for good, and end everything that hangs from it
    Remove(RemoveArguments),
    /// Make a new secret; the one before it is taken for a while longer
    RotateSecret(RotateSecretArguments),
    /// Make an initial access token, by which clients register themselves; it is printed once
    Invite {
        /// How many of them
        #[arg(long, default_value_t = 1, value_name = "N")]
        uses: u32,
        /// For how long: a number and `m`, `h` or `d`
        #[arg(long, default_value = "24h", value_name = "TIME")]
        expires: String,
    },
}

#[derive(Subcommand)]
pub enum AgentCommand {
    /// Register an agent
    Add(FileArgument),
    /// List all agents
    List(ListArguments),
    /// Show an agent's file
    Show { id: String },
    /// Replace an agent's file, or change single members
    Change(ClientChangeArguments),
    /// Take one more public key
    AddKey(KeyArguments),
    /// Take a key no more, named by its `kid` or thumbprint
    RemoveKey { id: String, key: String },
    /// Remove an agent for good, and end everything that hangs from it
    Remove(RemoveArguments),
    /// Stop an agent and everything below it, until it is resumed
    Suspend { id: String },
    /// Let a suspended agent act again
    Resume { id: String },
}

#[derive(Subcommand)]
pub enum ResourceCommand {
    /// Register a resource, or replace it
    Add {
        #[command(flatten)]
        file: FileArgument,
        /// How it takes tokens of clients that nobody registered; where the file lists none, they may have all its scopes
        #[arg(long, value_name = "MODE")]
        guests: Option<Guests>,
    },
    /// List all resources
    List(ListArguments),
    /// Show a resource's file
    Show { uri: String },
    /// Replace a resource's file, or change single members
    Change(ResourceChangeArguments),
    /// Remove a resource for good: no token is made for it any more
    Remove(RemoveArguments),
}

/// `mode` of the member `guests` of a resource's file.
#[derive(Clone, Copy, ValueEnum)]
pub enum Guests {
    /// Also tokens that are bound to no key
    Bearer,
    /// Only tokens that are bound to a key
    Bound,
    /// Not at all
    None,
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// List signing keys and their states
    List,
    /// The next key becomes active, the active one retires
    Rotate,
}

pub async fn migrate(configured: &Configured) -> Outcome {
    Desk::open(configured).await?;
    say("the database is at this version");
    Ok(())
}

/// Everything that would keep the server from starting, at once.
pub async fn check(configured: &Configured) -> Outcome {
    let config = load(configured)?;
    let mut problems = Vec::new();
    let types = writ_server::node::registry::type_files(&config.types_path).and_then(|documents| {
        writ_authority::Types::from_documents(documents).map_err(|e| e.to_string())
    });
    if let Err(problem) = types {
        problems.push(problem);
    }
    if let Err(problem) = writ_store::Store::connect(&config.database_url).await {
        problems.push(format!("`database.url`: {problem}"));
    }
    if !problems.is_empty() {
        return Err(problems.join("\n  "));
    }
    say("the configuration is usable");
    say(&match &config.liveness {
        Some(verifier) => format!(
            "approvals of level `liveness`: people are sent to {}, and results of `{}` count",
            verifier.url, verifier.issuer
        ),
        None => "approvals of level `liveness`: no verifier, so they are refused".to_owned(),
    });
    Ok(())
}

pub async fn user(command: UserCommand, configured: &Configured) -> Outcome {
    let desk = Desk::open(configured).await?;
    match command {
        UserCommand::Add { name, password } => {
            let password = read_password(password.password_file.as_deref())?;
            let added = desk.registry().add_user(&name, &password).await;
            say_json(&added.map_err(|e| e.to_string())?)
        }
        UserCommand::List(arguments) => list::users(&desk, arguments).await,
        UserCommand::Show { name } => list::show_user(&desk, &name).await,
        UserCommand::Change { name, password } => {
            let password = read_password(password.password_file.as_deref())?;
            let changed = desk.registry().change_password(&name, &password).await;
            say_json(&changed.map_err(|e| e.to_string())?)
        }
        UserCommand::Remove(arguments) => registered::remove_user(&desk, arguments).await,
        UserCommand::Disable { name } => switch(&desk, &name, UserSwitch::Disable).await,
        UserCommand::Enable { name } => switch(&desk, &name, UserSwitch::Enable).await,
        UserCommand::Passkeys(argument) => passkeys(argument, &desk).await,
    }
}

async fn switch(desk: &Desk, name: &str, to: UserSwitch) -> Outcome {
    let mut transaction = desk.begin().await?;
    let switched = switch_user(&mut transaction, name, to, desk.change()).await;
    let id = commit_change(transaction, switched, || {
        format!("there is no person `{name}` who is {}", to.before())
    });
    let id = id.await?;
    say_json(&json!({ "id": id, "name": name, "state": to.after() }))
}

pub async fn client(command: ClientCommand, configured: &Configured) -> Outcome {
    let (desk, kind) = (Desk::open(configured).await?, ClientKind::Plain);
    match command {
        ClientCommand::Add(argument) => {
            let added = desk.registry().add_client(read_json(&argument.file)?).await;
            say_json(&added.map_err(|e| e.to_string())?)
        }
        ClientCommand::Invite { uses, expires } => invite(&desk, uses, &expires).await,
        ClientCommand::List(arguments) => list::clients(&desk, kind, arguments).await,
        ClientCommand::Show { id } => registered::show_client(&desk, kind, &id).await,
        ClientCommand::Change(arguments) => registered::change_client(&desk, kind, arguments).await,
        ClientCommand::Remove(arguments) => registered::remove_client(&desk, kind, arguments).await,
        ClientCommand::RotateSecret(arguments) => registered::rotate_secret(&desk, arguments).await,
    }
}

async fn invite(desk: &Desk, uses: u32, expires: &str) -> Outcome {
    if desk.config.registration.mode != RegistrationMode::Token {
        return Err(
            "only `registration.mode = \"token\"` asks for initial access tokens".to_owned(),
        );
    }
    let made = InviteTerms::read(uses, expires)?;
    let mut transaction = desk.begin().await?;
    let made = invite_clients(&mut transaction, made, &desk.random, desk.change()).await;
    let made = commit_change(transaction, made.map(Some), String::new).await?;
    say_json(&json!({
        "initial_access_token": made.token,
        "uses": uses,
        "expires_at": made.expires_at.rfc3339(),
        "registration_endpoint": desk.config.url("/register"),
    }))
}

pub async fn agent(command: AgentCommand, configured: &Configured) -> Outcome {
    let (desk, kind) = (Desk::open(configured).await?, ClientKind::Agent);
    match command {
        AgentCommand::Add(argument) => {
            let added = desk.registry().add_agent(read_json(&argument.file)?).await;
            say_json(&added.map_err(|e| e.to_string())?)
        }
        AgentCommand::List(arguments) => list::clients(&desk, kind, arguments).await,
        AgentCommand::Show { id } => registered::show_client(&desk, kind, &id).await,
        AgentCommand::Change(arguments) => registered::change_client(&desk, kind, arguments).await,
        AgentCommand::AddKey(arguments) => registered::add_key(&desk, arguments).await,
        AgentCommand::RemoveKey { id, key } => registered::remove_key(&desk, &id, key).await,
        AgentCommand::Remove(arguments) => registered::remove_client(&desk, kind, arguments).await,
        AgentCommand::Suspend { id } => suspend(&desk, &id).await,
        AgentCommand::Resume { id } => resume(&desk, &id).await,
    }
}

async fn suspend(desk: &Desk, id: &str) -> Outcome {
    let mut transaction = desk.begin().await?;
    let done = suspend_agent(&mut transaction, &ClientId::from_text(id), desk.change()).await;
    commit_change(transaction, done.map(|did| did.then_some(())), || {
        format!("there is no agent `{id}` that is not suspended")
    })
    .await?;
    say_json(&json!({ "client_id": id, "state": "suspended" }))
}

async fn resume(desk: &Desk, id: &str) -> Outcome {
    let mut transaction = desk.begin().await?;
    let done = resume_agent(&mut transaction, &ClientId::from_text(id), desk.change()).await;
    commit_change(transaction, done.map(|did| did.then_some(())), || {
        format!("there is no suspended agent `{id}`")
    })
    .await?;
    say_json(&json!({ "client_id": id, "state": "active" }))
}

pub async fn resource(command: ResourceCommand, configured: &Configured) -> Outcome {
    let desk = Desk::open(configured).await?;
    match command {
        ResourceCommand::Add { file, guests } => {
            let mut file: ResourceFile = read_json(&file.file)?;
            if let Some(guests) = guests {
                admit_guests(&mut file, guests);
            }
            let added = desk.registry().add_resource(&file).await;
            say_json(&added.map_err(|e| e.to_string())?)
        }
        ResourceCommand::List(arguments) => list::resources(&desk, arguments).await,
        ResourceCommand::Show { uri } => registered::show_resource(&desk, &uri).await,
        ResourceCommand::Change(arguments) => registered::change_resource(&desk, arguments).await,
        ResourceCommand::Remove(arguments) => registered::remove_resource(&desk, arguments).await,
    }
}

fn admit_guests(file: &mut ResourceFile, guests: Guests) {
    let scopes = file.scopes.iter().map(|scope| scope.name.clone());
    let scopes = scopes.collect();
    let listed = file.guests.get_or_insert_with(|| GuestsFile {
        scopes,
        ..GuestsFile::default()
    });
    listed.mode = match guests {
        Guests::Bearer => GuestMode::Bearer,
        Guests::Bound => GuestMode::Bound,
        Guests::None => GuestMode::None,
    };
}

pub async fn key(command: KeyCommand, configured: &Configured) -> Outcome {
    match command {
        KeyCommand::List => list_keys(&Desk::open(configured).await?).await,
        KeyCommand::Rotate => rotate(&Desk::open(configured).await?).await,
    }
}

async fn list_keys(desk: &Desk) -> Outcome {
    let mut reading = desk.read().await?;
    let rows = reading.signing_keys().await.map_err(|e| e.to_string())?;
    let id_token_rows = reading.id_token_keys().await.map_err(|e| e.to_string())?;
    for row in rows.into_iter().chain(id_token_rows) {
        say_json(&json!({
            "kid": row.kid,
            "alg": algorithm(&row.public_jwk),
            "state": row.state.as_str(),
            "created_at": row.created_at.rfc3339(),
            "activated_at": row.activated_at.map(|at| at.rfc3339()),
            "retired_at": row.retired_at.map(|at| at.rfc3339()),
        }))?;
    }
    Ok(())
}

fn algorithm(public_jwk: &str) -> Option<String> {
    let jwk: Value = serde_json::from_str(public_jwk).ok()?;
    Some(jwk.get("alg")?.as_str()?.to_owned())
}

async fn rotate(desk: &Desk) -> Outcome {
    let next = keyring::NextKeys::make(&desk.store, &desk.config, desk.clock.now()).await;
    let next = next.map_err(|e| e.to_string())?;
    let mut transaction = desk.begin().await?;
    let rotated = keyring::rotate(&mut transaction, &next, &desk.random).await;
    let rotation = commit_change(transaction, rotated, || {
        "there is no key to rotate to: start the server once, or wait for the other rotation"
            .to_owned()
    });
    let rotation = rotation.await?;
    let mut said = json!({
        "activated": rotation.activated, "retired": rotation.retired, "state": KeyState::Retiring.as_str()
    });
    if let (Some(members), Some(kids)) = (said.as_object_mut(), rotation.id_token) {
        let kids = json!({ "activated": kids.activated, "retired": kids.retired });
        members.insert("id_token".to_owned(), kids);
    }
    say_json(&said)
}

/// From the file, or without one from standard input.
pub(super) fn read_password(file: Option<&Path>) -> Result<String, String> {
    let text = match file {
        Some(path) => read_file(path)?,
        None => read_input()?,
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
