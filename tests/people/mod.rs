//! What browsers call: authorization requests, login, consent, passkeys, a person's own pages and notifications.

mod activity;
mod authorize;
mod authorize_post;
mod channels;
mod consent;
mod consent_bound;
mod device_code;
mod guest_consent;
pub(crate) mod interaction;
mod live;
mod login;
mod login_race;
mod oidc_consent;
mod oidc_logout;
mod oidc_parameters;
mod page_metrics;
mod passkey;
mod passkey_challenge;
mod passkey_enrolment;
mod passkey_lost;
mod passkey_proof;
mod settings;
pub(crate) mod webpush;
mod webpush_many;
