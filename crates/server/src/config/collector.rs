//! A collector of OpenTelemetry that is spoken to by OTLP over HTTP: its URL, and what it wants in `Authorization`.

use std::path::{Path, PathBuf};

use http::HeaderValue;
use writ_platform::guard::AddressPolicy;
use zeroize::Zeroizing;

use super::secret_file;

/// Where to; valid by construction.
#[derive(Clone, Debug)]
pub struct Collector {
    /// The whole of it, with its path.
    pub url: String,
    /// Marked as sensitive: it is not printed.
    pub authorization: Option<HeaderValue>,
}

/// Its keys, as they stand in a section.
pub(super) struct CollectorKeys {
    pub(super) endpoint: String,
    pub(super) authorization: Option<String>,
    pub(super) authorization_file: Option<PathBuf>,
}

impl CollectorKeys {
    pub(super) fn check(self, rules: &AddressPolicy, wrong: &mut Vec<String>) -> Option<Collector> {
        let authorization = self.authorization().map_err(|said| wrong.push(said));
        let url = admitted(self.endpoint, rules, wrong)?;
        Some(Collector {
            url,
            authorization: authorization.ok()?,
        })
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let text = match (&self.authorization, &self.authorization_file) {
            (Some(_), Some(_)) => {
                return Err("`authorization` and `authorization_file` are both set".to_owned());
            }
            (None, None) => return Ok(None),
            (Some(text), None) => Zeroizing::new(text.clone()),
            (None, Some(path)) => Zeroizing::new(of_file(path)?),
        };
        let value = HeaderValue::from_str(text.trim()).ok();
        let value = value.filter(|value| !value.is_empty());
        let mut value =
            value.ok_or_else(|| "`authorization` is no value of a header".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn of_file(path: &Path) -> Result<String, String> {
    secret_file::read(path)
        .map_err(|why| format!("`authorization_file`: `{}` {why}", path.display()))
}

/// A URL that this server may call.
pub(super) fn admitted(
    url: String,
    rules: &AddressPolicy,
    wrong: &mut Vec<String>,
) -> Option<String> {
    match rules.admits(&url) {
        Ok(()) => Some(url),
        Err(refused) => {
            wrong.push(format!(
                "`endpoint`: {refused}; an origin inside the house stands in `outbound.trusted`"
            ));
            None
        }
    }
}
