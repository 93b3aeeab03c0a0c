//! Commands that show, change and remove what was registered. They work beside running servers, which see a change within
//! `CONFIGURATION_AGE`, and a removal at once.

mod duration;
pub mod list;
pub mod notes;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;
use writ_core::id::ClientId;
use writ_server::operate::change_client::{ClientChange, ClientEdit, ClientKind};
use writ_server::operate::change_resource::{ResourceChange, ResourceEdit};
use writ_server::operate::register::RegistrationError;
use writ_store::registered::LiveCounts;
use writ_wire::api::ApiScope;
use writ_wire::jwk::Jwk;
use writ_wire::registration::{GuestMode, ResourceFile};
use writ_wire::resource::ResourceUri;

use self::duration::duration;
use super::desk::{Desk, read_json};
use super::operators::{UserRemoveArguments, take_if_forced};
use super::{Outcome, note, say_json, terminal};

#[derive(Args)]
pub struct ListArguments {
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct ClientChangeArguments {
    id: String,
    /// The file that replaces the registered one; `-` is standard input
    #[arg(
        value_name = "FILE",
        conflicts_with = "edits",
        required_unless_present = "edits"
    )]
    file: Option<PathBuf>,
    #[command(flatten)]
    edits: ClientEdits,
}

#[derive(Args)]
#[group(id = "edits", multiple = true)]
struct ClientEdits {
    /// The new `client_name`
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The new `scope`: names that are separated by spaces
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// One more redirect URI; can be given several times
    #[arg(long, value_name = "URI")]
    add_redirect: Vec<String>,
    /// A redirect URI to remove; can be given several times
    #[arg(long, value_name = "URI")]
    remove_redirect: Vec<String>,
    /// The name of one more person whom it may ask by CIBA; can be given several times
    #[arg(long, value_name = "PERSON")]
    add_may_ask: Vec<String>,
    /// A person to take out of `may_ask`; can be given several times
    #[arg(long, value_name = "PERSON")]
    remove_may_ask: Vec<String>,
    /// One more scope of the operators' API, such as `api:read`; can be given several times
    #[arg(long, value_name = "SCOPE")]
    add_operator: Vec<ApiScope>,
    /// A scope to take out of `operator`; can be given several times
    #[arg(long, value_name = "SCOPE")]
    remove_operator: Vec<ApiScope>,
}

#[derive(Args)]
pub struct ResourceChangeArguments {
    uri: String,
    /// The file that replaces the registered one; `-` is standard input
    #[arg(
        value_name = "FILE",
        conflicts_with = "edits",
        required_unless_present_any = ["edits", "guests"]
    )]
    file: Option<PathBuf>,
    #[command(flatten)]
    edits: ResourceEdits,
    /// How it takes tokens of clients that nobody registered; where their scopes are not listed yet, all of its scopes are listed
    #[arg(long, value_name = "MODE")]
    guests: Option<Guests>,
}

#[derive(Args)]
#[group(id = "edits", multiple = true)]
struct ResourceEdits {
    /// The new name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// One more scope; can be given several times
    #[arg(long, value_name = "SCOPE")]
    add_scope: Vec<String>,
    /// A scope to remove; can be given several times
    #[arg(long, value_name = "SCOPE")]
    remove_scope: Vec<String>,
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

impl From<Guests> for GuestMode {
    fn from(guests: Guests) -> Self {
        match guests {
            Guests::Bearer => Self::Bearer,
            Guests::Bound => Self::Bound,
            Guests::None => Self::None,
        }
    }
}

#[derive(Args)]
pub struct RemoveArguments {
    /// Id, URI or name of what is removed
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub struct RotateSecretArguments {
    id: String,
    /// How long the earlier secret is taken too: a number with s, m, h or d. `0s` ends it now
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    overlap: Duration,
}

#[derive(Args)]
pub struct KeyArguments {
    id: String,
    /// The public key as a JWK; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub async fn show_client(desk: &Desk, kind: ClientKind, id: &str) -> Outcome {
    let id = ClientId::from_text(id);
    let file = desk.registry().client_file(kind, &id).await;
    let file = file.map_err(|e| e.to_string())?;
    say_json(&file)?;
    notes::on_state(desk, kind, &id, &file).await
}

pub async fn change_client(
    desk: &Desk,
    kind: ClientKind,
    arguments: ClientChangeArguments,
) -> Outcome {
    let change = match &arguments.file {
        Some(path) => ClientChange::Replace(Box::new(read_json(path)?)),
        None => ClientChange::Edit(Box::new(ClientEdit {
            name: arguments.edits.name,
            scope: arguments.edits.scope,
            add_redirects: arguments.edits.add_redirect,
            remove_redirects: arguments.edits.remove_redirect,
            add_may_ask: arguments.edits.add_may_ask,
            remove_may_ask: arguments.edits.remove_may_ask,
            add_operator: arguments.edits.add_operator,
            remove_operator: arguments.edits.remove_operator,
            ..ClientEdit::default()
        })),
    };
    let id = ClientId::from_text(arguments.id);
    let changed = desk.registry().change_client(kind, &id, change).await;
    say_client(desk, kind, changed).await
}

/// What was registered, and notes on what it names.
pub async fn say_client(
    desk: &Desk,
    kind: ClientKind,
    registered: Result<Value, RegistrationError>,
) -> Outcome {
    let registered = registered.map_err(|e| e.to_string())?;
    say_json(&registered)?;
    match registered.get("client_id").and_then(Value::as_str) {
        Some(id) => notes::on_client(desk, kind, &ClientId::from_text(id)).await,
        None => Ok(()),
    }
}

pub async fn add_key(desk: &Desk, arguments: KeyArguments) -> Outcome {
    let key: Jwk = read_json(&arguments.file)?;
    let edit = ClientEdit {
        add_keys: vec![key],
        ..ClientEdit::default()
    };
    edit_agent(desk, &arguments.id, edit).await
}

pub async fn remove_key(desk: &Desk, id: &str, key: String) -> Outcome {
    let edit = ClientEdit {
        remove_keys: vec![key],
        ..ClientEdit::default()
    };
    edit_agent(desk, id, edit).await
}

async fn edit_agent(desk: &Desk, id: &str, edit: ClientEdit) -> Outcome {
    let (registrar, id) = (desk.registry(), ClientId::from_text(id));
    let changed =
        registrar.change_client(ClientKind::Agent, &id, ClientChange::Edit(Box::new(edit)));
    say_json(&changed.await.map_err(|e| e.to_string())?)
}

pub async fn rotate_secret(desk: &Desk, arguments: RotateSecretArguments) -> Outcome {
    let id = ClientId::from_text(arguments.id);
    let rotated = desk
        .registry()
        .rotate_client_secret(&id, arguments.overlap)
        .await;
    say_json(&rotated.map_err(|e| e.to_string())?)
}

pub async fn remove_client(desk: &Desk, kind: ClientKind, arguments: RemoveArguments) -> Outcome {
    let (registrar, id) = (desk.registry(), ClientId::from_text(arguments.name));
    let live = registrar.live_of_client(kind, &id).await;
    let live = live.map_err(|e| e.to_string())?;
    let what = format!(
        "{}, and it is never registered again",
        ends(&kind.name(&id), live)
    );
    confirm(&what, arguments.yes)?;
    let removed = registrar.remove_client(kind, &id).await;
    say_json(&removed.map_err(|e| e.to_string())?)
}

pub async fn remove_user(desk: &Desk, arguments: UserRemoveArguments) -> Outcome {
    let UserRemoveArguments {
        removed: RemoveArguments { name, yes },
        force,
    } = arguments;
    let registrar = desk.registry();
    let live = registrar.live_of_user(&name).await;
    let live = live.map_err(|e| e.to_string())?;
    let agents = registrar.agents_of(&name).await;
    let agents = agents.map_err(|e| e.to_string())?.sentence();
    let stops = agents.as_ref().map_or_else(String::new, |agents| {
        format!(", stops {agents} until their files name somebody else")
    });
    let what = format!(
        "{}{stops}, and nobody is ever registered under that name again",
        ends(&format!("person `{name}`"), live)
    );
    confirm(&what, yes)?;
    take_if_forced(desk, &name, force).await?;
    let removed = registrar.remove_user(&name).await;
    say_json(&removed.map_err(|e| e.to_string())?)?;
    if let Some(agents) = agents {
        note(&format!(
            "{agents} cannot act until their files name somebody else: `writ agent change ID FILE`"
        ));
    }
    Ok(())
}

/// Which agents cannot act without this person, and until when.
pub async fn note_agents(desk: &Desk, name: &str, until: &str) -> Outcome {
    let agents = desk.registry().agents_of(name).await;
    if let Some(agents) = agents.map_err(|e| e.to_string())?.sentence() {
        note(&format!("{agents} cannot act {until}"));
    }
    Ok(())
}

pub async fn show_resource(desk: &Desk, uri: &str) -> Outcome {
    let file = desk.registry().resource_file(&resource_uri(uri)?).await;
    say_json(&file.map_err(|e| e.to_string())?)
}

pub async fn change_resource(desk: &Desk, arguments: ResourceChangeArguments) -> Outcome {
    let uri = resource_uri(&arguments.uri)?;
    let guests = arguments.guests.map(GuestMode::from);
    let change = match &arguments.file {
        Some(path) => {
            let mut file: ResourceFile = read_json(path)?;
            match guests {
                Some(mode) => file.admit_guests(mode),
                None => note_guests_go(desk, &uri, &file).await?,
            }
            ResourceChange::Replace(Box::new(file))
        }
        None => ResourceChange::Edit(ResourceEdit {
            name: arguments.edits.name,
            add_scopes: arguments.edits.add_scope,
            remove_scopes: arguments.edits.remove_scope,
            guests,
        }),
    };
    let changed = desk.registry().change_resource(&uri, change).await;
    say_json(&changed.map_err(|e| e.to_string())?)?;
    notes::on_resource(desk, &uri).await
}

/// A file replaces the whole record: one that says nothing of guests takes none.
async fn note_guests_go(desk: &Desk, uri: &ResourceUri, file: &ResourceFile) -> Outcome {
    let before = desk.registry().resource_file(uri).await;
    if before.is_ok_and(|before| before.takes_guests()) && !file.takes_guests() {
        note(
            "it takes clients that nobody registered no more, because the file does not say so: with `--guests MODE` beside the file it does",
        );
    }
    Ok(())
}

pub async fn remove_resource(desk: &Desk, arguments: RemoveArguments) -> Outcome {
    let (registrar, uri) = (desk.registry(), resource_uri(&arguments.name)?);
    let file = registrar.resource_file(&uri).await;
    let uri = file.map_err(|e| e.to_string())?.resource;
    let what = format!(
        "no token will be made for resource `{uri}` any more, and its URI is never registered again"
    );
    confirm(&what, arguments.yes)?;
    let removed = registrar.remove_resource(&uri).await;
    say_json(&removed.map_err(|e| e.to_string())?)
}

fn resource_uri(text: &str) -> Result<ResourceUri, String> {
    ResourceUri::parse(text).map_err(|_| {
        format!("`{text}` is no URI of a resource: `writ resource list` has those of all")
    })
}

fn ends(what: &str, live: LiveCounts) -> String {
    let several = |count: i64| if count == 1 { "" } else { "s" };
    format!(
        "removing {what} ends {} task{} and {} refresh token{}",
        live.tasks,
        several(live.tasks),
        live.refresh_tokens,
        several(live.refresh_tokens)
    )
}

/// Asks on the terminal, unless the command line said yes already.
pub fn confirm(what: &str, yes: bool) -> Outcome {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(format!("{what}: say `--yes` if that is meant"));
    }
    match terminal::ask(&format!("{what}. Type yes to do it: "))?.as_str() {
        "yes" => Ok(()),
        _ => Err("nothing was done".to_owned()),
    }
}
