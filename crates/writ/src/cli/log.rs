//! The log, on standard error: what it holds (`WRIT_LOG`), and how its lines look.

use tracing_subscriber::EnvFilter;
use writ_server::config::LogFormat;

/// What is written unless `WRIT_LOG` says otherwise.
const FILTER: &str = "info,sqlx=warn";

/// `WRIT_LOG_FORMAT` wins over the configuration, as every variable does.
pub fn to_stderr(configured: LogFormat) {
    let filter = EnvFilter::try_from_env("WRIT_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let format = match std::env::var("WRIT_LOG_FORMAT").as_deref() {
        Ok("json") => LogFormat::Json,
        Ok("text") => LogFormat::Text,
        _ => configured,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Its words about a log that takes nothing, because the disk is full, would go there too, and end the request with a panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    // Tests run several commands in one process: the first subscriber stays.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
}
