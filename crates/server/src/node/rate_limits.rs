//! Rate limits in the database: attempts at codes by account, unauthenticated requests by address. Each is counted before it is
//! checked. Passwords are in `password_limits.rs`.

use std::net::IpAddr;
use std::time::Duration;

use writ_core::authorize::{MAX_FRONT_REQUESTS, MAX_FRONT_REQUESTS_OF_HOUR, MAX_GUEST_QUESTIONS};
use writ_core::ciba::{MAX_USER_CODE_FAILURES, USER_CODE_PAUSE};
use writ_core::device::{
    CODE_PAUSE, DEVICE_LIFETIME, MAX_CODE_FAILURES, MAX_DEVICES_OF_ADDRESS, MAX_DEVICES_OF_SITE,
};
use writ_core::id::{ClientId, UserId};
use writ_core::oauth_error::OAuthError;
use writ_core::registration::dynamic::{MAX_MANAGED_FROM_ADDRESS, MAX_MANAGED_OF_CLIENT};
use writ_jose::hash;
use writ_store::StoreError;
use writ_store::attempts::{Admission, Attempt, AttemptKind};
use writ_store::passkey_code::{MAX_CODE_FAILURES_OF_BROWSER, PASSKEY_CODE_PAUSE};
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::client_address::{NETWORKS_OF_SITE, network, site};
use crate::node::failure::Failure;

/// Failed attempts are forgotten this long after the last one.
pub(super) const FAILURES_KEPT: Duration = Duration::from_secs(24 * 3600);
/// The window in which requests are counted, in seconds.
const MINUTE: i64 = 60;
/// The window in which registrations, and requests about them, are counted, in seconds.
const HOUR: i64 = 3600;

/// What is counted together, and how many attempts are admitted.
pub struct RateLimit {
    pub(super) kind: AttemptKind,
    /// A digest: of one length, whatever was typed.
    pub(super) holder: String,
    pub(super) most: i64,
    pub(super) paused_until: Timestamp,
    pub(super) kept_until: Timestamp,
}

impl RateLimit {
    /// This user's attempts at device user codes (RFC 8628 section 5.1).
    pub fn of_device_codes(person: &UserId, now: Timestamp) -> Self {
        Self {
            kind: AttemptKind::DeviceCode,
            holder: hash::digest_text(&[b"user code by", person.as_str().as_bytes()]),
            most: MAX_CODE_FAILURES,
            paused_until: now.plus(CODE_PAUSE),
            kept_until: now.plus(FAILURES_KEPT),
        }
    }

    /// Attempts at the code for a first passkey in this browser, by the digest of its session.
    pub fn of_passkey_code(session: &str, now: Timestamp) -> Self {
        Self {
            kind: AttemptKind::PasskeyCode,
            holder: hash::digest_text(&[b"passkey code in", session.as_bytes()]),
            most: MAX_CODE_FAILURES_OF_BROWSER,
            paused_until: now.plus(PASSKEY_CODE_PAUSE),
            kept_until: now.plus(FAILURES_KEPT),
        }
    }

    /// Attempts at this user's own code, by any client (CIBA section 7.1, `user_code`).
    pub fn of_user_code(person: &UserId, now: Timestamp) -> Self {
        Self {
            kind: AttemptKind::UserCode,
            holder: hash::digest_text(&[b"user code of", person.as_str().as_bytes()]),
            most: MAX_USER_CODE_FAILURES,
            paused_until: now.plus(USER_CODE_PAUSE),
            kept_until: now.plus(FAILURES_KEPT),
        }
    }

    /// Device authorizations for this client from this address and its site, in the lifetime of one: anybody may start them in the name of
    /// a public client. None for loopback.
    pub fn of_devices(client: &ClientId, address: IpAddr, now: Timestamp) -> Vec<Self> {
        if address.is_loopback() {
            return Vec::new();
        }
        let lifetime = i64::try_from(DEVICE_LIFETIME.as_secs()).unwrap_or(i64::MAX);
        let window = now.seconds().div_euclid(lifetime);
        let end = Timestamp::from_seconds((window + 1) * lifetime);
        let window = window.to_string();
        let of = |label: &[u8], place: IpAddr, most| {
            let place = place.to_string();
            let parts = [client.as_str(), place.as_str(), window.as_str()];
            let [client, place, window] = parts.map(str::as_bytes);
            Self {
                kind: AttemptKind::Device,
                holder: hash::digest_text(&[label, client, place, window]),
                most,
                paused_until: end,
                kept_until: end,
            }
        };
        vec![
            of(b"devices", network(address), MAX_DEVICES_OF_ADDRESS),
            of(b"devices of site", site(address), MAX_DEVICES_OF_SITE),
        ]
    }

    /// Registrations of clients by themselves in this hour, from this address and its site. None for loopback, as for requests.
    pub fn of_registrations_from(address: IpAddr, most: u32, now: Timestamp) -> Vec<Self> {
        let kind = AttemptKind::Registration;
        Self::of_places(kind, "registrations", address, most, now)
    }

    /// Requests about registrations that exist (RFC 7592) in this hour, from this address and its site. None for loopback.
    pub fn of_management_from(address: IpAddr, now: Timestamp) -> Vec<Self> {
        let kind = AttemptKind::ManagedRegistration;
        Self::of_places(kind, "managed", address, MAX_MANAGED_FROM_ADDRESS, now)
    }

    /// Changes of registrations in this hour, each with an event, from this address and its site; `most` are as many as it may register.
    pub fn of_changes_from(address: IpAddr, most: u32, now: Timestamp) -> Vec<Self> {
        let kind = AttemptKind::ManagedRegistration;
        Self::of_places(kind, "changed", address, most, now)
    }

    /// So many of one network in this hour, and [`NETWORKS_OF_SITE`] times as many of its site.
    pub(super) fn of_places(
        kind: AttemptKind,
        what: &str,
        address: IpAddr,
        most: u32,
        now: Timestamp,
    ) -> Vec<Self> {
        if address.is_loopback() {
            return Vec::new();
        }
        let of = |label: &[u8], place: IpAddr, most| {
            let place = place.to_string();
            Self::of_hour(kind, &[what.as_bytes(), label, place.as_bytes()], most, now)
        };
        let of_site = most.saturating_mul(NETWORKS_OF_SITE);
        vec![
            of(b"from", network(address), most),
            of(b"from site", site(address), of_site),
        ]
    }

    /// The same of one client, once its token was seen: nobody else can use up what it has.
    pub fn of_management(client: &ClientId, now: Timestamp) -> Self {
        let parts: [&[u8]; 2] = [b"managed", client.as_str().as_bytes()];
        let most = MAX_MANAGED_OF_CLIENT;
        Self::of_hour(AttemptKind::ManagedRegistration, &parts, most, now)
    }

    pub(super) fn attempt(&self) -> Attempt<'_> {
        Attempt {
            kind: self.kind,
            holder: &self.holder,
            most: self.most,
            paused_until: self.paused_until,
            kept_until: self.kept_until,
        }
    }

    /// Whether it is used up until its window ends, whatever succeeds meanwhile.
    const fn is_window(&self) -> bool {
        match self.kind {
            AttemptKind::Login
            | AttemptKind::LoginOfDay
            | AttemptKind::LoginFrom
            | AttemptKind::KnownBrowser
            | AttemptKind::Session
            | AttemptKind::DeviceCode
            | AttemptKind::PasskeyCode
            | AttemptKind::UserCode => false,
            AttemptKind::Device
            | AttemptKind::FrontRequest
            | AttemptKind::OwnPassword
            | AttemptKind::Registration
            | AttemptKind::ManagedRegistration
            | AttemptKind::Forgotten => true,
        }
    }

    /// So many of one holder in this hour.
    pub fn of_hour(kind: AttemptKind, parts: &[&[u8]], most: u32, now: Timestamp) -> Self {
        let hour = now.seconds().div_euclid(HOUR);
        let end = Timestamp::from_seconds((hour + 1) * HOUR);
        let hour = hour.to_string();
        let parts: Vec<&[u8]> = parts.iter().copied().chain([hour.as_bytes()]).collect();
        Self {
            kind,
            holder: hash::digest_text(&parts),
            most: i64::from(most),
            paused_until: end,
            kept_until: end,
        }
    }

    /// Requests from this address in this minute, and from it and its site in this hour, that are stored before the user has logged in, or that
    /// make this server fetch. None for loopback: a developer, or a proxy that is not configured.
    pub fn of_address(address: IpAddr, now: Timestamp) -> Vec<Self> {
        if address.is_loopback() {
            return Vec::new();
        }
        let place = network(address).to_string();
        let parts: [&[u8]; 2] = [b"from", place.as_bytes()];
        let kind = AttemptKind::FrontRequest;
        let of_minute = Self::of_minute(&parts, MAX_FRONT_REQUESTS, now);
        let most = MAX_FRONT_REQUESTS_OF_HOUR;
        let mut limits = Self::of_places(kind, "requests", address, most, now);
        limits.insert(0, of_minute);
        limits
    }

    /// Looks at guests in this minute for which a document is fetched because this person is asked.
    pub fn of_guest_questions(person: &UserId, now: Timestamp) -> Self {
        let parts: [&[u8]; 2] = [b"guests shown to", person.as_str().as_bytes()];
        Self::of_minute(&parts, MAX_GUEST_QUESTIONS, now)
    }

    fn of_minute(parts: &[&[u8]], most: i64, now: Timestamp) -> Self {
        let minute = now.seconds().div_euclid(MINUTE);
        let end = Timestamp::from_seconds((minute + 1) * MINUTE);
        let minute = minute.to_string();
        let parts: Vec<&[u8]> = parts.iter().copied().chain([minute.as_bytes()]).collect();
        Self {
            kind: AttemptKind::FrontRequest,
            holder: hash::digest_text(&parts),
            most,
            paused_until: end,
            kept_until: end,
        }
    }
}

impl App {
    /// Counts an attempt, unless it must not be checked.
    pub async fn admit_attempt(&self, limit: &RateLimit) -> Result<Admission, StoreError> {
        self.admit_all(std::slice::from_ref(limit)).await
    }

    /// Counts a request against each of them, until one is used up: then the sentence refuses it, and says when the next is admitted.
    pub async fn admit_request(
        &self,
        limits: impl IntoIterator<Item = RateLimit>,
        sentence: &str,
    ) -> Result<(), Failure> {
        let limits: Vec<RateLimit> = limits.into_iter().collect();
        let Admission::PausedUntil(until) = self.admit_all(&limits).await? else {
            return Ok(());
        };
        let refusal = OAuthError::new(ErrorCode::TemporarilyUnavailable, sentence);
        Err(Failure::limited(refusal, self.clock.now().until(until)))
    }

    /// One transaction for all of them, and none for what this node knows to be used up: whoever goes on costs no statement. Those
    /// after one that is used up are not counted, but asked when they end.
    async fn admit_all(&self, limits: &[RateLimit]) -> Result<Admission, StoreError> {
        let now = self.clock.now();
        let strangers = &self.strangers;
        let windows = limits.iter().filter(|limit| limit.is_window());
        let known = windows.filter_map(|limit| strangers.used_up_until(&limit.holder, now));
        if let Some(until) = known.max() {
            return Ok(Admission::PausedUntil(until));
        }
        if limits.is_empty() {
            return Ok(Admission::Admitted);
        }
        let mut counting = self.begin_counting(limits.iter()).await?;
        let mut used_up: Option<Timestamp> = None;
        for limit in limits {
            let until = match used_up {
                None => counting.count(limit, now).await?,
                Some(_) => {
                    let transaction = &mut counting.transaction;
                    transaction.paused_until(limit.kind, &limit.holder).await?
                }
            };
            if let Some(until) = until.filter(|_| limit.is_window()) {
                strangers.note_used_up(&limit.holder, until, now);
            }
            used_up = used_up.max(until);
        }
        counting.commit().await?;
        Ok(used_up.map_or(Admission::Admitted, Admission::PausedUntil))
    }

    /// Counts a request that is stored before anybody has logged in, or that makes this server fetch.
    pub async fn admit_front_request(&self, address: Option<IpAddr>) -> Result<(), Failure> {
        let now = self.clock.now();
        let limits = address.map_or_else(Vec::new, |from| RateLimit::of_address(from, now));
        let sentence = "too many requests from this address: try again later";
        self.admit_request(limits, sentence).await
    }

    /// Until when none of these admits an attempt, if one of them does not now; nothing is counted.
    pub async fn paused_until(
        &self,
        limits: impl Iterator<Item = &RateLimit>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.now();
        let mut reading = self.read().await?;
        let mut paused = None;
        for limit in limits {
            let until = reading.paused_until(limit.kind, &limit.holder).await?;
            paused = paused.max(until.filter(|until| now < *until));
        }
        Ok(paused)
    }

    /// Takes back the attempt that was counted last; those before it stay.
    pub async fn uncount_attempt(&self, limit: &RateLimit) {
        self.take_attempts_back(None, &[limit]).await;
    }

    /// A success forgets all attempts.
    pub async fn reset_attempts(&self, limit: &RateLimit) {
        self.take_attempts_back(Some(limit), &[]).await;
    }
}

#[cfg(test)]
mod tests;
