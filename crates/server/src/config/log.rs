//! How the log is written.

use serde::Deserialize;

/// How one line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object on each line.
    Json,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LogFile {
    format: Option<String>,
}

pub(super) fn format(file: &LogFile, problems: &mut Vec<String>) -> LogFormat {
    match file.format.as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(_) => {
            problems.push("`log.format` is neither `text` nor `json`".to_owned());
            LogFormat::Text
        }
    }
}
