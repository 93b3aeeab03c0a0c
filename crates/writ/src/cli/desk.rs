//! What the commands share: the configuration, an open database, the types, a clock and a source of randomness.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use writ_authority::Types;
use writ_core::id::EventId;
use writ_core::realm::DEFAULT_TENANT;
use writ_platform::{Clock, Random};
use writ_server::config::bounded_file::{self, STANDARD_INPUT, named};
use writ_server::config::{Config, ENVIRONMENT_PREFIX};
use writ_server::node::app::{App, ServerEnvironment};
use writ_server::node::clock::{CommandClock, DatabaseClock};
use writ_server::node::keyring;
use writ_server::node::type_files::type_files;
use writ_server::notifications::outbox::OutboxContext;
use writ_server::operate::change::{ChangeContext, ChangedBy, Operator};
use writ_server::operate::register::Registrar;
use writ_store::{DatabaseTransaction, Deadlines, Store};

use super::by_clock::ByClock;
use super::init::CONFIG;
use super::{Configured, environment, json_file, note, system_user};

/// The largest file that a command reads, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The surroundings of one command.
pub struct Desk {
    pub config: Config,
    pub store: Store,
    pub types: Types,
    pub clock: Clock,
    pub random: Random,
    /// Who runs the command.
    pub operator: Operator,
}

impl Desk {
    /// Opens and migrates the database.
    pub async fn open(configured: &Configured, by: ByClock) -> Result<Self, String> {
        Self::with(load(configured)?, by).await
    }

    /// The same for a configuration that was read already.
    pub async fn with(config: Config, by: ByClock) -> Result<Self, String> {
        let store = migrated(&config).await?;
        let clock = checked_clock(&store, by).await?;
        let types =
            Types::from_documents(type_files(&config.types_path)?).map_err(|e| e.to_string())?;
        let desk = Self {
            config,
            store,
            types,
            clock,
            random: Random::System,
            operator: system_user::operator(),
        };
        let mut transaction = desk.begin().await?;
        let tenant = transaction
            .ensure_tenant(desk.config.issuer.as_str(), desk.clock.now())
            .await;
        tenant.map_err(|e| e.to_string())?;
        transaction.commit().await.map_err(|e| e.to_string())?;
        Ok(desk)
    }

    /// Before anything is made that the server opens, or compares, with its master key.
    pub async fn require_master(&self) -> Result<(), String> {
        let opens = keyring::check_master(&self.store, &self.config).await;
        opens.map_err(|e| e.to_string())
    }

    pub fn registry(&self) -> Registrar<'_> {
        Registrar {
            store: &self.store,
            issuer: &self.config.issuer,
            types: &self.types,
            clock: &self.clock,
            random: &self.random,
            by: &self.operator,
        }
    }

    /// A change by the operator, now.
    pub fn change(&self) -> ChangeContext<'_> {
        let now = self.clock.now();
        ChangeContext {
            by: ChangedBy::Operator(&self.operator),
            event_id: EventId::make(now, self.random.bytes()),
            now,
        }
    }

    pub fn outbox(&self) -> OutboxContext<'_> {
        OutboxContext {
            config: &self.config,
            random: &self.random,
            now: self.clock.now(),
        }
    }

    pub async fn begin(&self) -> Result<DatabaseTransaction, String> {
        self.store
            .begin(DEFAULT_TENANT)
            .await
            .map_err(|e| e.to_string())
    }

    pub async fn read(&self) -> Result<DatabaseTransaction, String> {
        self.store
            .read(DEFAULT_TENANT)
            .await
            .map_err(|e| e.to_string())
    }
}

/// The database, brought to this version.
pub async fn migrated(config: &Config) -> Result<Store, String> {
    let store = Store::connect_within(&config.database_url, Deadlines::OF_A_COMMAND).await;
    let store = store.map_err(|e| e.to_string())?;
    store.migrate().await.map_err(|e| e.to_string())?;
    Ok(store)
}

/// This machine's clock, if it may be used for that.
pub async fn checked_clock(store: &Store, by: ByClock) -> Result<Clock, String> {
    let compared = CommandClock::compare(store, &Clock::System).await;
    let compared = compared.map_err(|e| e.to_string())?;
    let Some(warning) = compared.warning() else {
        return Ok(Clock::System);
    };
    match (compared.is_wrong(), by) {
        (false, _) => note(&warning),
        (true, ByClock::ReadsOrEnds) => note(&format!(
            "{warning}, whose time is taken{}",
            compared.other_cause()
        )),
        (true, ByClock::Grants) => {
            return Err(format!(
                "{warning}: set it first{}. Nothing was done; what only stops or removes goes on with any clock",
                compared.other_cause()
            ));
        }
    }
    Ok(compared.mended())
}

/// Commits a change that was made; otherwise says why there was none.
pub async fn commit_change<T, E: Display>(
    transaction: DatabaseTransaction,
    made: Result<Option<T>, E>,
    why_not: impl FnOnce() -> String,
) -> Result<T, String> {
    let made = made.map_err(|e| e.to_string())?.ok_or_else(why_not)?;
    transaction.commit().await.map_err(|e| e.to_string())?;
    Ok(made)
}

/// The configuration that a command names.
pub fn load(configured: &Configured) -> Result<Config, String> {
    load_with(configured, &environment())
}

/// The same with these variables of the environment.
pub fn load_with(
    configured: &Configured,
    variables: &BTreeMap<String, String>,
) -> Result<Config, String> {
    let file = configured.config.as_deref();
    let loaded = Config::load(file, variables).map_err(|e| e.to_string());
    loaded.map_err(|problems| match file {
        None => format!("{problems}\n{}", without_file()),
        Some(path) if path != Path::new(STANDARD_INPUT) && !path.exists() => {
            format!("{problems}\n`writ init` makes one")
        }
        Some(_) => problems,
    })
}

/// Where the configuration could have been.
fn without_file() -> String {
    let here = Path::new(CONFIG);
    if here.is_file() {
        return format!(
            "no file is read unless `--config FILE` names it: give `--config {CONFIG}`"
        );
    }
    format!(
        "no file was named: give `--config FILE`, such as the `{CONFIG}` that `writ init` makes, or variables that begin with `{ENVIRONMENT_PREFIX}`"
    )
}

/// A bounded text file, a pipe, or standard input for `-`.
pub fn read_text(path: &Path) -> Result<String, String> {
    let text = bounded_file::read_given(path, MAX_FILE);
    text.map_err(|why| format!("{} {why}", named(path)))
}

/// The same, as JSON of a known form.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = read_text(path)?;
    json_file::read(&text).map_err(|problem| format!("{}: {problem}", named(path)))
}

/// Connects the database and starts the server's state.
#[cfg(feature = "demo")]
pub async fn app(config: Config) -> Result<Arc<App>, String> {
    let store = Store::connect(&config.database_url).await;
    app_on(store.map_err(|e| e.to_string())?, config).await
}

/// Starts the server's state on this database.
pub async fn app_on(store: Store, config: Config) -> Result<Arc<App>, String> {
    let environment = ServerEnvironment {
        clock: Clock::System,
        database_clock: DatabaseClock::OfDatabase,
        random: Random::System,
    };
    App::start(config, store, environment)
        .await
        .map_err(|e| e.to_string())
}
