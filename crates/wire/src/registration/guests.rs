//! What a resource allows guests, and the file that a guest's own words are read into.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClientFile, Profile, ResourceFile};

/// The member `guests` of a resource's file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestsFile {
    pub mode: GuestMode,
    /// Scopes of the resource that guests may be granted: said wherever guests are taken at all, because neither none nor all of them
    /// can be guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Types of `authorization_details` that guests may be granted.
    #[serde(default)]
    pub types: Vec<String>,
    /// How long a guest acts here unless the person chooses otherwise; a day without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<GuestLifetime>,
}

/// How long a guest may act, as the person chooses at consent; shortest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestLifetime {
    #[default]
    Day,
    Week,
    /// Only where every token is bound to a key.
    Month,
}

/// How a resource takes tokens of guests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestMode {
    /// Also tokens that are bound to no key.
    Bearer,
    /// Only tokens that are bound to a DPoP key.
    Bound,
    /// Not at all.
    #[default]
    None,
}

impl GuestLifetime {
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    pub const fn duration(self) -> Duration {
        const DAY: u64 = 24 * 3600;
        Duration::from_secs(match self {
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
        })
    }
}

impl ResourceFile {
    pub fn takes_guests(&self) -> bool {
        let guests = self.guests.as_ref();
        guests.is_some_and(|guests| guests.mode != GuestMode::None)
    }

    /// Takes guests so from now on. Where it does not say which scopes they may have, all that it has now are listed: one that is
    /// added later is not theirs unasked.
    pub fn admit_guests(&mut self, mode: GuestMode) {
        let guests = self.guests.get_or_insert_default();
        guests.mode = mode;
        if guests.scopes.is_none() && mode != GuestMode::None {
            let names = self.scopes.iter().map(|scope| scope.name.clone());
            guests.scopes = Some(names.collect());
        }
    }
}

impl ClientFile {
    /// A file of this profile that says nothing else yet.
    pub fn bare(profile: Profile) -> Self {
        Self {
            client_id: None,
            client_name: String::new(),
            profile,
            redirect_uris: Vec::new(),
            grant_types: None,
            response_types: None,
            token_endpoint_auth_method: None,
            token_endpoint_auth_signing_alg: None,
            jwks: None,
            jwks_uri: None,
            scope: None,
            dpop_bound_access_tokens: None,
            require_pushed_authorization_requests: None,
            authorization_details_types: None,
            bearer: false,
            assertion_audience: None,
            backchannel_token_delivery_mode: None,
            backchannel_client_notification_endpoint: None,
            backchannel_authentication_request_signing_alg: None,
            backchannel_user_code_parameter: None,
            number_matching: false,
            may_ask: Vec::new(),
            operator: Vec::new(),
            task_lifetime: None,
            client_uri: None,
            logo_uri: None,
            contacts: None,
            tos_uri: None,
            policy_uri: None,
            software_id: None,
            software_version: None,
            application_type: None,
            id_token_signed_response_alg: None,
            post_logout_redirect_uris: Vec::new(),
            first_party: false,
            remember_consent: false,
            pkce_required: None,
            agent: None,
        }
    }
}
