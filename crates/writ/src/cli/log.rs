//! The log, on standard error: what it holds (`WRIT_LOG`), and how its lines look. A panic is one line of it too, never raw text. A
//! server's goes by a queue, so that nobody waits for whoever reads it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use writ_server::config::LogFormat;
use writ_server::node::request_log::current_request;

use super::log_queue::LogQueue;

/// What is written unless `WRIT_LOG` says otherwise.
const FILTER: &str = "info,sqlx=warn";
/// Of what a panic says: it may quote what a stranger sent.
const LONGEST_PANIC: usize = 500;

/// Of a server.
pub fn by_queue(configured: LogFormat) -> Result<LogQueue, String> {
    let queue = LogQueue::start(std::io::stderr());
    let queue = queue.map_err(|e| format!("the thread that writes the log does not start: {e}"))?;
    let writer = queue.clone();
    to(move || writer.clone(), configured);
    Ok(queue)
}

/// Of a command, of which somebody waits for the end.
pub fn to_stderr(configured: LogFormat) {
    to(std::io::stderr, configured);
}

/// `WRIT_LOG_FORMAT` wins over the configuration, as every variable does.
fn to(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static, configured: LogFormat) {
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
        .with_writer(writer);
    // Tests run several commands in one process: the first subscriber stays.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

/// From now on a panic is a line of the log, with the request in which it happened.
pub fn panics() {
    std::panic::set_hook(Box::new(log_panic));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let said = panic.payload_as_str().unwrap_or_default();
    // On one line, and nothing that a terminal obeys.
    let cause: String = said
        .chars()
        .take(LONGEST_PANIC)
        .flat_map(char::escape_debug)
        .collect();
    let place = panic.location().map(ToString::to_string);
    let request = current_request();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured)
        .then(|| backtrace.to_string().escape_debug().to_string());
    let thread = std::thread::current();
    tracing::error!(
        target: "writ::panic",
        cause,
        place,
        request,
        backtrace,
        thread = thread.name(),
        "a panic: a fault of this server"
    );
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_one_line_without_what_a_stranger_could_write() {
        let written = Written::default();
        let writer = written.clone();
        let json = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        let before = std::panic::take_hook();
        panics();
        let long = format!("a\nb\u{1b}[31m\u{202e}\"{}", "c".repeat(9999));
        let caught = tracing::subscriber::with_default(json, || {
            std::panic::catch_unwind(|| std::panic::panic_any(long))
        });
        std::panic::set_hook(before);
        assert!(caught.is_err());
        let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8(written.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1, "{text}");
        let line: Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["target"], "writ::panic");
        let cause = line["cause"].as_str().unwrap();
        let start = r#"a\nb\u{1b}[31m\u{202e}\"cc"#;
        assert!(cause.starts_with(start), "{cause}");
        assert!(cause.len() < 2 * LONGEST_PANIC);
        assert!(line["place"].as_str().unwrap().contains("log.rs:"));
    }
}
