//! `[profiles]`: whether proofs need a nonce of this server (RFC 9449 section 8).

use serde::Deserialize;
use writ_wire::registration::Profile;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProfilesFile {
    oauth21: ProfileFile,
    fapi2: ProfileFile,
    agent: ProfileFile,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProfileFile {
    dpop_nonce: Option<bool>,
}

/// Whether proofs need a server nonce, by profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceSwitches {
    pub oauth21: bool,
    pub fapi2: bool,
    pub agent: bool,
}

impl NonceSwitches {
    pub const fn of(self, profile: Profile) -> bool {
        match profile {
            Profile::Oauth21 => self.oauth21,
            Profile::Fapi2 => self.fapi2,
            Profile::Agent => self.agent,
            Profile::Guest => false,
        }
    }
}

pub(super) fn check(profiles: &ProfilesFile) -> NonceSwitches {
    NonceSwitches {
        oauth21: profiles.oauth21.dpop_nonce.unwrap_or(false),
        fapi2: profiles.fapi2.dpop_nonce.unwrap_or(true),
        agent: profiles.agent.dpop_nonce.unwrap_or(true),
    }
}
