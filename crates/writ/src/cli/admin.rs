//! Commands that register or change something; each change writes an audit event.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use writ_core::operator::OperatorRole;
use writ_server::operate::add_user::AddedUser;
use writ_server::operate::change_client::ClientKind;
use writ_server::operate::disable::UserSwitch;
use writ_wire::registration::ResourceFile;

use super::by_clock::ByClock;
use super::desk::{Desk, read_json};
use super::invite::InviteArguments;
use super::passkeys::{PasskeysArgument, passkeys};
use super::password::Password;
use super::registered::{
    self, ClientChangeArguments, Guests, KeyArguments, ListArguments, RemoveArguments,
    ResourceChangeArguments, RotateSecretArguments, list, notes,
};
use super::roles::{self, RolesChange};
use super::{Configured, Outcome, accounts, invite, operators, say, say_json, suspend};

#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a person
    Add {
        name: String,
        #[command(flatten)]
        password: Password,
        /// The address that apps are told, as verified: it must be theirs, and no other person's
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// The office that they hold as an operator of this server
        #[arg(long, value_name = "ROLE", value_parser = operators::parser())]
        role: Option<String>,
    },
    /// Invite a person: a link, by which they set their password, and a code that you give them another way
    Invite(accounts::UserInviteArguments),
    /// Let a person set another password: a link, and a code that you give them another way, or their passkey
    Reset(accounts::UserResetArguments),
    /// List all people
    List(ListArguments),
    /// Show one person
    Show { name: String },
    /// Give a person a new password, which ends their logins
    Password {
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Give a person a new password, the address that apps are told, other roles, or the office that they hold as an operator
    Change {
        name: String,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        email: EmailChange,
        #[command(flatten)]
        roles: RolesChange,
        #[command(flatten)]
        role: operators::RoleArguments,
    },
    /// Remove a person for good, and end everything that hangs from them
    Remove(operators::UserRemoveArguments),
    /// Stop a person and everything that hangs from them, until they are enabled
    Disable {
        name: String,
        /// Also the last admin, who loses that role for good
        #[arg(long)]
        force: bool,
    },
    /// Let a disabled person in again
    Enable { name: String },
    /// List a person's passkeys, remove them, or make the code by which they add their first one
    Passkeys(PasskeysArgument),
}

#[derive(Args)]
#[group(multiple = false, conflicts_with_all = ["password_source", "role_change"])]
pub struct EmailChange {
    /// The address that apps are told from now on, as verified: it must be theirs, and no other person's
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Tell apps of no address any more
    #[arg(long)]
    no_email: bool,
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
            " change <ID> [--name <NAME>] [--scope <SCOPE>] [--add-redirect <URI>]... [--remove-redirect <URI>]... [--add-may-ask <PERSON>]... [--remove-may-ask <PERSON>]... [--add-operator <SCOPE>]... [--remove-operator <SCOPE>]..."
        )
    };
}

const RESOURCE_CHANGE_USAGE: &str = "writ resource change <URI> <FILE> [--guests <MODE>]
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
    /// Stop a client or a guest and everything below it, until it is resumed
    Suspend { id: String },
    /// Let a suspended client or guest act again
    Resume { id: String },
    /// Make an initial access token, by which clients register themselves, which is printed once; or end one
    Invite(InviteArguments),
    /// List initial access tokens
    Invites(ListArguments),
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
    RemoveKey {
        id: String,
        // One thumbprint in 64 begins with a hyphen; options of this command are still options.
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
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
    Desk::open(configured, ByClock::ReadsOrEnds).await?;
    say("the database is at this version");
    Ok(())
}

pub async fn user(command: UserCommand, configured: &Configured) -> Outcome {
    let desk = Desk::open(configured, command.by_clock()).await?;
    match command {
        UserCommand::Add {
            name,
            password,
            email,
            role,
        } => {
            let added = AddedUser {
                name: &name,
                email: email.as_deref(),
                role: role.as_deref().and_then(OperatorRole::parse),
            };
            let (password, registrar) = (password.read()?, desk.registry());
            let added = registrar.add_user_as(added, &password).await;
            say_json(&added.map_err(|e| e.to_string())?)
        }
        UserCommand::Invite(arguments) => accounts::invite(&desk, arguments).await,
        UserCommand::Reset(arguments) => accounts::reset(&desk, arguments).await,
        UserCommand::List(arguments) => list::users(&desk, arguments).await,
        UserCommand::Show { name } => list::show_user(&desk, &name).await,
        UserCommand::Password { name, password } => change_password(&desk, &name, &password).await,
        UserCommand::Change {
            name,
            password,
            email,
            roles,
            role,
        } => match (email.email, email.no_email) {
            _ if !roles.is_empty() => roles::change(&desk, &name, &roles).await,
            (None, false) if role.is_given() => operators::change(&desk, &name, role).await,
            (None, false) => change_password(&desk, &name, &password).await,
            (email, _) => {
                let changed = desk.registry().change_email(&name, email.as_deref()).await;
                say_json(&changed.map_err(|e| e.to_string())?)
            }
        },
        UserCommand::Remove(arguments) => registered::remove_user(&desk, arguments).await,
        UserCommand::Disable { name, force } => operators::disable(&desk, &name, force).await,
        UserCommand::Enable { name } => accounts::switch(&desk, &name, UserSwitch::Enable).await,
        UserCommand::Passkeys(argument) => passkeys(argument, &desk).await,
    }
}

async fn change_password(desk: &Desk, name: &str, password: &Password) -> Outcome {
    let (registry, password) = (desk.registry(), password.read()?);
    let changed = registry.change_password(name, &password, &desk.config);
    say_json(&changed.await.map_err(|e| e.to_string())?)
}

pub async fn client(command: ClientCommand, configured: &Configured) -> Outcome {
    let (desk, kind) = (
        Desk::open(configured, command.by_clock()).await?,
        ClientKind::Plain,
    );
    match command {
        ClientCommand::Add(argument) => {
            let added = desk.registry().add_client(read_json(&argument.file)?).await;
            registered::say_client(&desk, kind, added).await
        }
        ClientCommand::Invite(arguments) => invite::invite(&desk, arguments).await,
        ClientCommand::Invites(arguments) => list::invites(&desk, arguments).await,
        ClientCommand::List(arguments) => list::clients(&desk, kind, arguments).await,
        ClientCommand::Show { id } => registered::show_client(&desk, kind, &id).await,
        ClientCommand::Change(arguments) => registered::change_client(&desk, kind, arguments).await,
        ClientCommand::Remove(arguments) => registered::remove_client(&desk, kind, arguments).await,
        ClientCommand::RotateSecret(arguments) => registered::rotate_secret(&desk, arguments).await,
        ClientCommand::Suspend { id } => suspend::suspend(&desk, &id).await,
        ClientCommand::Resume { id } => suspend::resume(&desk, &id).await,
    }
}

pub async fn agent(command: AgentCommand, configured: &Configured) -> Outcome {
    let (desk, kind) = (
        Desk::open(configured, command.by_clock()).await?,
        ClientKind::Agent,
    );
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
    let desk = Desk::open(configured, command.by_clock()).await?;
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
