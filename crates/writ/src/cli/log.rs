//! The log, on standard error: what it holds (`WRIT_LOG`), and how its lines look. A panic is one line of it too, never raw text. A
//! server's goes by a queue, so that nobody waits for whoever reads it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::env::VarError;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use writ_server::config::LogFormat;
use writ_server::config::nearest::nearest;
use writ_server::node::request_log::current_request;

use super::log_queue::LogQueue;

/// What is written unless `WRIT_LOG` says otherwise.
const FILTER: &str = "info,sqlx=warn";
/// Of what a panic says: it may quote what a stranger sent.
const LONGEST_PANIC: usize = 500;

/// Of a server.
pub fn by_queue(configured: LogFormat) -> Result<LogQueue, String> {
    let wanted = WantedLog::of(configured, |name| std::env::var(name))?;
    let queue = LogQueue::start(std::io::stderr());
    let queue = queue.map_err(|e| format!("the thread that writes the log does not start: {e}"))?;
    let writer = queue.clone();
    wanted.write(move || writer.clone());
    Ok(queue)
}

/// Of a command, of which somebody waits for the end.
pub fn to_stderr(configured: LogFormat) -> Result<(), String> {
    let wanted = WantedLog::of(configured, |name| std::env::var(name))?;
    wanted.write(std::io::stderr);
    Ok(())
}

/// What is written, and how.
struct WantedLog {
    filter: EnvFilter,
    format: LogFormat,
}

impl WantedLog {
    /// `WRIT_LOG_FORMAT` wins over the configuration, as every variable does. One that says nothing is as if it were not there; one that
    /// cannot be read is refused: nobody would miss the lines that it leaves out.
    fn of(
        configured: LogFormat,
        variable: impl Fn(&str) -> Result<String, VarError>,
    ) -> Result<Self, String> {
        let said = |name: &str| match variable(name) {
            Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(format!("`{name}` is no text")),
        };
        let filter = said("WRIT_LOG")?;
        let format = match said("WRIT_LOG_FORMAT")?.as_deref().map(str::trim) {
            None => configured,
            Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            Some(_) => return Err("`WRIT_LOG_FORMAT` is neither `text` nor `json`".to_owned()),
        };
        Ok(Self {
            filter: read_filter(filter.as_deref().unwrap_or(FILTER))?,
            format,
        })
    }

    fn write(self, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(self.filter)
            // Its words about a log that takes nothing, because the disk is full, would go there too, and end the request with a panic.
            .log_internal_errors(false)
            .with_writer(writer);
        // Tests run several commands in one process: the first subscriber stays.
        let _ = match self.format {
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
            LogFormat::Text => builder.try_init(),
        };
    }
}

/// A word alone that is nearly a level would be a target that nothing is written to.
fn read_filter(text: &str) -> Result<EnvFilter, String> {
    for directive in text.split(',').map(str::trim) {
        let level = nearest(directive, &LEVELS);
        if let Some(level) = level.filter(|level| !level.eq_ignore_ascii_case(directive)) {
            return Err(format!(
                "`WRIT_LOG`: `{directive}` is no level; perhaps `{level}` is meant"
            ));
        }
    }
    EnvFilter::try_new(text).map_err(|error| format!("`WRIT_LOG` cannot be read: {error}"))
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

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

    fn wanted(filter: Option<&str>, format: Option<&str>) -> Result<LogFormat, String> {
        let variable = |name: &str| {
            let said = if name == "WRIT_LOG" { filter } else { format };
            said.map(str::to_owned).ok_or(VarError::NotPresent)
        };
        WantedLog::of(LogFormat::Text, variable).map(|wanted| wanted.format)
    }

    #[test]
    fn variables_that_cannot_be_read_are_refused() {
        for filter in [
            "info",
            "WARN",
            "off",
            "",
            "info,sqlx=warn",
            "writ::request=off",
            "writ",
        ] {
            assert_eq!(wanted(Some(filter), None), Ok(LogFormat::Text), "{filter}");
        }
        for filter in [
            "inof",
            "debgu",
            "info,sqlx=wran",
            "warning",
            "writ=nonsense",
        ] {
            let refused = wanted(Some(filter), None).unwrap_err();
            assert!(refused.contains("`WRIT_LOG`"), "{refused}");
        }
        assert_eq!(wanted(None, Some("json")), Ok(LogFormat::Json));
        assert_eq!(wanted(None, Some("")), Ok(LogFormat::Text));
        for format in ["jsno", "JSON", "pretty"] {
            let refused = wanted(None, Some(format)).unwrap_err();
            assert!(refused.contains("`WRIT_LOG_FORMAT`"), "{refused}");
        }
    }
}
