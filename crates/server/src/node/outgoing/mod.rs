//! What outgoing calls need: the guarded HTTP clients and the documents that they fetched, the VAPID key for push services, the SMTP
//! client, the texts of messages.

pub mod call_limits;
pub mod documents;
pub mod fetch;
mod flights;
mod freshness;
pub mod mailer;
pub mod otlp;
pub mod pauses;
pub mod vapid;

use tokio::sync::Notify;
use writ_pages::messages::Words;
use writ_platform::guard::GuardedClient;
use writ_store::Store;
use writ_wire::time::Timestamp;

use self::mailer::Mailer;
use self::vapid::PushKey;
use crate::config::Config;
use crate::node::app::StartError;

/// The clients, key and texts by which this node sends notifications.
pub struct OutgoingChannels {
    pub guard: GuardedClient,
    /// Calls for guests alone, whatever other calls may reach.
    pub guest_guard: GuardedClient,
    pub push_key: PushKey,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) words: Words,
    pub(crate) due: Notify,
}

impl OutgoingChannels {
    pub async fn start(store: &Store, config: &Config, now: Timestamp) -> Result<Self, StartError> {
        let channels = &config.channels;
        // One client reads the authorities of the machine, and both policies use it.
        let guard = GuardedClient::with_roots(channels.rules.clone(), &channels.roots)
            .map_err(|e| StartError::Channels(e.to_string()))?;
        let mailer = channels.mail.as_ref().map(Mailer::new).transpose()?;
        Ok(Self {
            guest_guard: guard.under(config.guest_addresses.clone()),
            guard,
            push_key: PushKey::start(store, config, now).await?,
            mailer,
            words: Words::load()?,
            due: Notify::new(),
        })
    }

    /// Call it after a commit that wrote notices: this node sends them at once.
    pub fn wake(&self) {
        self.due.notify_one();
    }

    /// The supported language that a browser's `Accept-Language` prefers.
    pub fn language(&self, accept_language: &str) -> String {
        self.words.language(accept_language).to_owned()
    }
}
