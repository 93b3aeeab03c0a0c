//! The configuration: one TOML file, each key also from the environment. Unknown keys and unsafe settings keep the server from
//! starting.

mod accounts;
mod approval;
mod audit;
pub mod bounded_file;
mod brand;
mod channels;
mod collector;
mod environment;
mod events_out;
mod guests;
mod issuer;
mod levels;
mod listen;
mod liveness;
mod log;
mod master;
pub mod nearest;
mod nonces;
mod prompts;
mod proxies;
mod push_hosts;
mod reading;
mod registration;
pub mod roles;
mod secret_file;
mod telemetry;
mod tls;
mod upstream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use writ_authority::Level;
use writ_core::budget::Limits;
use writ_core::elsewhere::Elsewhere;
use writ_core::guest::GuestPolicy;
use writ_core::registration::dynamic::RegistrationRules;
use writ_core::role::RoleRules;
use writ_jose::seal::MasterKey;
use writ_platform::guard::AddressPolicy;
use writ_wire::resource::ResourceUri;

pub use accounts::LocalAccounts;
pub use audit::AuditPolicy;
pub use channels::{Channels, MailServer};
pub use collector::Collector;
pub use events_out::{EventSink, LinesTarget, SinkWay};
pub use issuer::host_of;
pub use levels::AcceptedPasskeys;
pub use liveness::LivenessVerifier;
pub use log::LogFormat;
pub use nonces::NonceSwitches;
pub use proxies::{ForwardedHeader, TrustedProxies};
pub use telemetry::Telemetry;
pub use tls::{CertificateFacts, TlsFiles, TlsPair, expiry_warning};
pub use upstream::UpstreamProvider;
pub use upstream::prompt::UpstreamPrompt;

/// Prefix of environment variables; `__` stands for the dot: `WRIT__SERVER__LISTEN` is `server.listen`.
pub const ENVIRONMENT_PREFIX: &str = "WRIT__";

/// The file as it is written. Not printable, because of its secrets.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: ServerFile,
    database: DatabaseFile,
    types: TypesFile,
    keys: KeysFile,
    profiles: nonces::ProfilesFile,
    features: Features,
    guests: guests::GuestsFile,
    registration: registration::RegistrationFile,
    outbound: channels::OutboundFile,
    push: channels::PushFile,
    mail: channels::MailFile,
    webhook: channels::WebhookFile,
    admin: channels::AdminFile,
    levels: levels::LevelsFile,
    liveness: liveness::LivenessFile,
    prompts: prompts::PromptsFile,
    approval: approval::ApprovalFile,
    log: log::LogFile,
    audit: audit::AuditFile,
    brand: brand::BrandFile,
    upstream: BTreeMap<String, upstream::UpstreamFile>,
    roles: BTreeMap<String, roles::RoleFile>,
    events: BTreeMap<String, events_out::SinkFile>,
    traces: telemetry::TracesFile,
    accounts: accounts::AccountsFile,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerFile {
    listen: Option<String>,
    issuer: Option<String>,
    metrics_listen: Option<String>,
    metrics_public: bool,
    trusted_proxies: Vec<String>,
    forwarded_header: Option<String>,
    tls: tls::TlsFile,
    drain_seconds: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DatabaseFile {
    url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TypesFile {
    path: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct KeysFile {
    master: Option<String>,
    master_file: Option<PathBuf>,
}

/// Specifications that are drafts: off unless switched on, because they may still change.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    /// draft-mcguinness-oauth-mission: `mission_intent`, response members, metadata.
    pub mission_intent: bool,
    /// draft-rosomakho-oauth-txn-challenge-00: the transaction authorization endpoint, metadata.
    pub transaction_challenge: bool,
    /// draft-ietf-oauth-client-id-metadata-document-03: clients that nobody registered.
    pub guests: bool,
}

/// What the server runs with; valid by construction.
#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub metrics_listen: Option<SocketAddr>,
    pub issuer: ResourceUri,
    pub trusted_proxies: TrustedProxies,
    pub forwarded_header: ForwardedHeader,
    pub database_url: String,
    pub types_path: PathBuf,
    pub master: std::sync::Arc<MasterKey>,
    pub nonces: NonceSwitches,
    pub features: Features,
    pub guests: GuestPolicy,
    /// Which URLs are called for guests: never because other calls may go there.
    pub guest_addresses: AddressPolicy,
    /// Whether clients may register themselves.
    pub registration: RegistrationRules,
    pub channels: Channels,
    pub passkeys: AcceptedPasskeys,
    /// The verifier for approvals of level `liveness`.
    pub liveness: Option<LivenessVerifier>,
    pub prompts: Limits,
    /// Whose consents are decided away from the browser that asks.
    pub elsewhere: Elsewhere,
    pub log_format: LogFormat,
    /// TLS of this server's own; otherwise a proxy ends it, or there is none.
    pub tls: Option<TlsFiles>,
    /// How long requests are still taken after this server was told to stop, so that a balancer sees that it is not ready.
    pub drain: Duration,
    pub audit: AuditPolicy,
    /// On the pages that people see.
    pub brand: std::sync::Arc<writ_pages::Brand>,
    /// Providers by which people sign in, in the order of their names.
    pub upstreams: std::sync::Arc<[UpstreamProvider]>,
    /// What people may grant.
    pub roles: std::sync::Arc<RoleRules>,
    /// Where events and spans go.
    pub telemetry: Telemetry,
    pub local_accounts: LocalAccounts,
}

/// Every problem at once, a sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not usable:\n  {}", .0.join("\n  "))]
pub struct ConfigProblems(pub Vec<String>);

/// The largest configuration file, in bytes.
const MAX_CONFIGURATION: u64 = 1024 * 1024;

impl Config {
    /// Reads the file, if one is named, and the environment over it.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigProblems> {
        let text = match file {
            Some(path) => bounded_file::read_given(path, MAX_CONFIGURATION)
                .map_err(|why| single_problem(format!("{} {why}", bounded_file::named(path))))?,
            None => String::new(),
        };
        let mut table = reading::table(&text).map_err(single_problem)?;
        environment::overlay(&mut table, environment)?;
        let written = reading::file(table, &text, environment).map_err(single_problem)?;
        check(written, file.and_then(Path::parent))
    }

    /// Whether cookies can be `Secure`, as a `__Host-` name demands (draft-ietf-httpbis-rfc6265bis section 4.1.3).
    pub fn is_https(&self) -> bool {
        self.issuer.as_str().starts_with("https://")
    }

    /// The strongest approval level that this server can reach. A login never reaches `liveness`: a verifier's result is for one
    /// approval screen, and a login has none.
    pub fn strongest(&self) -> Level {
        match self.liveness {
            Some(_) => Level::Liveness,
            None => Level::Passkey,
        }
    }

    /// An absolute URL of ours.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.as_str().trim_end_matches('/'))
    }
}

/// `folder` is where the file lies.
fn check(file: File, folder: Option<&Path>) -> Result<Config, ConfigProblems> {
    let mut problems = Vec::new();
    let (trusted_proxies, forwarded_header) = proxies::check(&file.server, &mut problems);
    let issuer = issuer::check(file.server.issuer.as_deref(), &mut problems);
    let tls = tls::check(file.server.tls.clone(), issuer.as_ref(), &mut problems);
    let listeners = listen::check(&file.server, &trusted_proxies, &mut problems);
    let master = master::master(&file.keys, &mut problems);
    let channels = channels::ChannelSections {
        outbound: file.outbound,
        push: file.push,
        mail: file.mail,
        webhook: file.webhook,
        admin: file.admin,
    };
    let channels = channels::check(channels, &mut problems);
    let passkeys = levels::check(&file.levels, &mut problems);
    let liveness = liveness::check(file.liveness, issuer.as_ref(), &mut problems);
    let prompts = prompts::check(&file.prompts, &mut problems);
    let elsewhere = approval::check(&file.approval, &mut problems);
    let audit = audit::check(&file.audit, &mut problems);
    let guests = guests::check(&file.guests, &mut problems);
    let registration = registration::check(&file.registration, file.features.guests, &mut problems);
    let database_url = database_url(file.database.url, &mut problems);
    let log_format = log::format(&file.log, &mut problems);
    let brand = brand::check(file.brand, folder, &mut problems);
    let upstreams = upstream::check(file.upstream, issuer.as_ref(), &mut problems);
    let roles = roles::check(file.roles, &mut problems);
    let telemetry = telemetry::check(file.events, file.traces, &channels.rules, &mut problems);
    let local_accounts = accounts::check(file.accounts, &upstreams, &mut problems);
    match (listeners.public, issuer, master, problems.is_empty()) {
        (Some(listen), Some(issuer), Some(master), true) => Ok(Config {
            listen,
            metrics_listen: listeners.metrics,
            issuer,
            trusted_proxies,
            forwarded_header,
            database_url,
            types_path: types_path(file.types),
            master: std::sync::Arc::new(master),
            nonces: nonces::check(&file.profiles),
            features: file.features,
            guests: guests.policy,
            guest_addresses: guests.addresses,
            registration,
            channels,
            passkeys,
            liveness,
            prompts,
            elsewhere,
            log_format,
            tls,
            drain: listeners.drain,
            audit,
            brand,
            upstreams: upstreams.into(),
            roles: roles.into(),
            telemetry,
            local_accounts,
        }),
        _ => Err(ConfigProblems(problems)),
    }
}

fn types_path(types: TypesFile) -> PathBuf {
    let path = types.path;
    path.unwrap_or_else(|| PathBuf::from("config/types"))
}

fn database_url(url: Option<String>, problems: &mut Vec<String>) -> String {
    let url = url.unwrap_or_else(|| "sqlite:writ.db".to_owned());
    let schemes = ["sqlite:", "postgres:", "postgresql:"];
    if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
        problems.push("`database.url` starts with `sqlite:` or `postgres:`".to_owned());
    }
    url
}

/// An entry of a list as it may be said: what stands before an `@` is a name and a password.
fn without_credentials(entry: &str) -> &str {
    entry.rsplit_once('@').map_or(entry, |(_, host)| host)
}

fn single_problem(problem: String) -> ConfigProblems {
    ConfigProblems(vec![problem])
}

#[cfg(test)]
mod tests;
