//! `[levels]`: what a passkey must be to count here, for login, approval and proof.

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LevelsFile {
    passkey: Option<String>,
}

/// The passkeys that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceptedPasskeys {
    /// Also those that a provider copies between the devices of a person.
    #[default]
    Any,
    /// Only those that never leave their device (WebAuthn section 6.1.3: backup eligibility is not set).
    DeviceBound,
}

pub(super) fn check(file: &LevelsFile, problems: &mut Vec<String>) -> AcceptedPasskeys {
    match file.passkey.as_deref() {
        None | Some("any") => AcceptedPasskeys::Any,
        Some("device_bound") => AcceptedPasskeys::DeviceBound,
        Some(_) => {
            problems.push("`levels.passkey` is neither `any` nor `device_bound`".to_owned());
            AcceptedPasskeys::Any
        }
    }
}

impl AcceptedPasskeys {
    /// Whether this one, as it is stored, counts. One that cannot be read does not.
    pub fn accept(self, passkey: &str) -> bool {
        match self {
            Self::Any => true,
            Self::DeviceBound => writ_passkey::is_device_bound(passkey).unwrap_or(false),
        }
    }
}
