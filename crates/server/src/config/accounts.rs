//! `[accounts]`: whether people sign in by passwords and passkeys of this server, beside providers (docs/upstream.md).

use serde::Deserialize;

use super::UpstreamProvider;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccountsFile {
    local: bool,
}

impl Default for AccountsFile {
    fn default() -> Self {
        Self { local: true }
    }
}

/// Whether somebody signs in here by what this server keeps of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalAccounts {
    #[default]
    On,
    /// People come by providers alone. A passkey goes on to sign what they decide.
    Off,
}

pub(super) fn check(
    file: AccountsFile,
    upstreams: &[UpstreamProvider],
    problems: &mut Vec<String>,
) -> LocalAccounts {
    match file.local {
        true => LocalAccounts::On,
        false => {
            if upstreams.is_empty() {
                problems.push(
                    "`accounts.local` is `false` without a provider in `upstream`: nobody could sign in".to_owned(),
                );
            }
            LocalAccounts::Off
        }
    }
}
