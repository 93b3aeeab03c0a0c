//! Commands that register or change something; each change writes an audit event.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use writ_core::registration::dynamic::RegistrationMode;
use writ_server::operate::change_client::ClientKind;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_server::operate::invite::{InviteTerms, invite_clients};
use writ_wire::registration::ResourceFile;

use super::desk::{Desk, commit_change, load, read_json};
use super::passkeys::{PasskeysArgument, passkeys};
use super::password::Password;
use super::registered::{
    self, ClientChangeArguments, Guests, KeyArguments, ListArguments, RemoveArguments,
    ResourceChangeArguments, RotateSecretArguments, list, notes,
};
use super::{Configured, Outcome, say, say_json, suspend};

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
pub struct FileArgument {
    /// The JSON file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// Whoever changes nothing reads what can be changed: clap names the file alone.
macro_rules! client_change_usage {
    ($kind:literal) => {
        concat!(
            "writ ",
            $kind,
            " change <ID> <FILE>\n       writ ",
            $kind,
            " change <ID> [--name <NAME>] [--scope <SCOPE>] [--add-redirect <URI>]... [--remove-redirect <URI>]..."
        )
    };
}

const RESOURCE_CHANGE_USAGE: &str = "writ resource change <URI> <FILE>
       writ resource change <URI> [--name <NAME>] [--add-scope <SCOPE>]... [--remove-scope <SCOPE>]... [--guests <MODE>]";

#[derive(Subcommand)]
pub enum ClientCommand {
    /// Register a client; prints what was registered, with its secret where one is due
    Add(FileArgument),
    /// List all clients
    List(ListArguments),
    /// Show a client's file
    Show { id: String },
    /// Replace a client's file, or change single members
    #[command(override_usage = client_change_usage!("client"))]
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
    #[command(override_usage = client_change_usage!("agent"))]
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
        /// How it takes tokens of clients that nobody registered; where the file does not list their scopes, all of its scopes are listed
        #[arg(long, value_name = "MODE")]
        guests: Option<Guests>,
    },
    /// List all resources
    List(ListArguments),
    /// Show a resource's file
    Show { uri: String },
    /// Replace a resource's file, or change single members
    #[command(override_usage = RESOURCE_CHANGE_USAGE)]
    Change(ResourceChangeArguments),
    /// Remove a resource for good: no token is made for it any more
    Remove(RemoveArguments),
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
            let password = password.read()?;
            let added = desk.registry().add_user(&name, &password).await;
            say_json(&added.map_err(|e| e.to_string())?)
        }
        UserCommand::List(arguments) => list::users(&desk, arguments).await,
        UserCommand::Show { name } => list::show_user(&desk, &name).await,
        UserCommand::Change { name, password } => {
            let password = password.read()?;
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
            registered::say_client(&desk, kind, added).await
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
            registered::say_client(&desk, kind, added).await
        }
        AgentCommand::List(arguments) => list::clients(&desk, kind, arguments).await,
        AgentCommand::Show { id } => registered::show_client(&desk, kind, &id).await,
        AgentCommand::Change(arguments) => registered::change_client(&desk, kind, arguments).await,
        AgentCommand::AddKey(arguments) => registered::add_key(&desk, arguments).await,
        AgentCommand::RemoveKey { id, key } => registered::remove_key(&desk, &id, key).await,
        AgentCommand::Remove(arguments) => registered::remove_client(&desk, kind, arguments).await,
        AgentCommand::Suspend { id } => suspend::suspend(&desk, &id).await,
        AgentCommand::Resume { id } => suspend::resume(&desk, &id).await,
    }
}

pub async fn resource(command: ResourceCommand, configured: &Configured) -> Outcome {
    let desk = Desk::open(configured).await?;
    match command {
        ResourceCommand::Add { file, guests } => {
            let mut file: ResourceFile = read_json(&file.file)?;
            if let Some(guests) = guests {
                file.admit_guests(guests.into());
            }
            let added = desk.registry().add_resource(&file).await;
            say_json(&added.map_err(|e| e.to_string())?)?;
            notes::on_resource(&desk, &file.resource).await
        }
        ResourceCommand::List(arguments) => list::resources(&desk, arguments).await,
        ResourceCommand::Show { uri } => registered::show_resource(&desk, &uri).await,
        ResourceCommand::Change(arguments) => registered::change_resource(&desk, arguments).await,
        ResourceCommand::Remove(arguments) => registered::remove_resource(&desk, arguments).await,
    }
}
