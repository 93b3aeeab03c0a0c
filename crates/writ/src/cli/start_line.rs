//! The line with which a server's log begins: what runs, where, on what, and what is switched off.

use std::net::SocketAddr;

use writ_core::registration::dynamic::RegistrationMode;
use writ_server::config::Config;
use writ_wire::time::Timestamp;

/// Where nothing is named.
const NONE: &str = "none";

/// Where a server listens, with the port that the system chose for port 0.
pub struct Listening {
    pub public: SocketAddr,
    pub metrics: Option<SocketAddr>,
    /// Of its own TLS.
    pub certificate_expires_at: Option<Timestamp>,
}

pub fn write(config: &Config, listening: &Listening) {
    let metrics = listening.metrics.map(|address| address.to_string());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        issuer = config.issuer.as_str(),
        listen = %listening.public,
        metrics = metrics.as_deref().unwrap_or(NONE),
        tls = tls(config),
        certificate_expires = listening.certificate_expires_at.map(Timestamp::rfc3339),
        database = database(config),
        off = off(config),
        "the server has started"
    );
}

/// Never more of the URL than this: it may hold a password.
fn database(config: &Config) -> &'static str {
    match config.database_url.starts_with("sqlite:") {
        true => "sqlite",
        false => "postgresql",
    }
}

fn tls(config: &Config) -> &'static str {
    match (&config.tls, config.trusted_proxies.is_empty()) {
        (Some(_), _) => "here",
        (None, false) => "at a trusted proxy",
        (None, true) if config.is_https() => "at a proxy on this machine",
        (None, true) => NONE,
    }
}

/// What this server can do, and was not told to.
fn off(config: &Config) -> String {
    let channels = &config.channels;
    let switches = [
        ("features.mission_intent", config.features.mission_intent),
        (
            "features.transaction_challenge",
            config.features.transaction_challenge,
        ),
        ("features.guests", config.features.guests),
        (
            "registration",
            config.registration.mode != RegistrationMode::Off,
        ),
        ("mail", channels.mail.is_some()),
        ("webhook", channels.webhook.is_some()),
        ("liveness", config.liveness.is_some()),
        ("metrics", config.metrics_listen.is_some()),
        ("events", !config.telemetry.sinks.is_empty()),
        ("traces", config.telemetry.traces.is_some()),
    ];
    let off: Vec<&str> = switches
        .into_iter()
        .filter_map(|(name, on)| (!on).then_some(name))
        .collect();
    match off.is_empty() {
        true => NONE.to_owned(),
        false => off.join(", "),
    }
}
