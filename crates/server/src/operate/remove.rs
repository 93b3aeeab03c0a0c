//! Removing a client, an agent, a resource or a user for good. From the commit on nothing that hangs from it is live on any node, and
//! what it was called is never registered again.

use serde_json::{Value, json};
use writ_core::client::User;
use writ_core::event::EventName;
use writ_core::id::ClientId;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::DatabaseTransaction;
use writ_store::registered::{LiveCounts, LiveOf};
use writ_store::stop::TasksOf;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::change_client::{self, ClientKind};
use super::register::{Registrar, RegistrationError};
use super::stop::BulkEvents;
use super::{change_resource, change_user, operator_role};

impl Registrar<'_> {
    /// What the removal of a client or an agent would end now.
    pub async fn live_of_client(
        &self,
        kind: ClientKind,
        id: &ClientId,
    ) -> Result<LiveCounts, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        change_client::registered(&mut reading, kind, id, "remove").await?;
        let counts = reading.live_counts(LiveOf::Client(id), self.clock.now());
        Ok(counts.await?)
    }

    /// What the removal of a user would end now.
    pub async fn live_of_user(&self, name: &str) -> Result<LiveCounts, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        let id = change_user::registered(&mut reading, name).await?.user.id;
        let counts = reading.live_counts(LiveOf::User(&id), self.clock.now());
        Ok(counts.await?)
    }

    /// Says how many tasks and refresh tokens it ended.
    pub async fn remove_client(
        &self,
        kind: ClientKind,
        id: &ClientId,
    ) -> Result<Value, RegistrationError> {
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let removed = self.remove_client_in(&mut transaction, kind, id).await?;
        transaction.commit().await?;
        Ok(removed)
    }

    /// The same in a transaction of the caller's.
    pub async fn remove_client_in(
        &self,
        transaction: &mut DatabaseTransaction,
        kind: ClientKind,
        id: &ClientId,
    ) -> Result<Value, RegistrationError> {
        let now = self.clock.now();
        change_client::registered(transaction, kind, id, "remove").await?;
        transaction.begin_stop().await?;
        // First of all: what is made from here on is of a client that is stopped.
        if !transaction.remove_client(id, now).await? {
            return Err(RegistrationError::Removed(kind.name(id)));
        }
        // Of a client that registered itself: its token is good for nothing any more, and the row leaves in time.
        transaction.remove_registration(id, now).await?;
        let ended = self.end(transaction, LiveOf::Client(id), now).await?;
        let name = match kind {
            ClientKind::Plain => EventName::ClientRemoved,
            ClientKind::Agent => EventName::AgentRemoved,
        };
        let facts = json!({ "tasks": ended.tasks, "refresh_tokens": ended.refresh_tokens });
        let mut event = self.event(now, name, facts);
        event.client = Some(id.to_string());
        transaction.insert_event(&event).await?;
        Ok(json!({
            "client_id": id,
            "state": "removed",
            "tasks": ended.tasks,
            "refresh_tokens": ended.refresh_tokens,
        }))
    }

    /// No token is made for it any more; those that were made run out.
    pub async fn remove_resource(&self, uri: &ResourceUri) -> Result<Value, RegistrationError> {
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let removed = self.remove_resource_in(&mut transaction, uri).await?;
        transaction.commit().await?;
        Ok(removed)
    }

    /// The same in a transaction of the caller's.
    pub async fn remove_resource_in(
        &self,
        transaction: &mut DatabaseTransaction,
        uri: &ResourceUri,
    ) -> Result<Value, RegistrationError> {
        let now = self.clock.now();
        let uri = &change_resource::registered(transaction, uri)
            .await?
            .resource;
        if !transaction.remove_resource(uri, now).await? {
            return Err(RegistrationError::Removed(format!("resource `{uri}`")));
        }
        let event = self.event(now, EventName::ResourceRemoved, json!({}));
        let event = event.at_resource(uri.as_str());
        transaction.insert_event(&event).await?;
        Ok(json!({ "resource": uri, "state": "removed" }))
    }

    /// Says how much it ended: also agents that they own or sponsor, which are not live without them.
    pub async fn remove_user(&self, name: &str) -> Result<Value, RegistrationError> {
        let now = self.clock.now();
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let User { id, name, .. } = change_user::registered(&mut transaction, name).await?.user;
        transaction.begin_stop().await?;
        operator_role::keep_an_admin(&mut transaction, &id, &name).await?;
        if !transaction.remove_user(&id, now).await? {
            return Err(RegistrationError::Removed(format!("person `{name}`")));
        }
        let ended = self.end(&mut transaction, LiveOf::User(&id), now).await?;
        let sessions = transaction.end_sessions_of(&id, now).await?;
        transaction.remove_all_upstream_groups_of(&id).await?;
        let agents = transaction.agents_behind(&id).await?;
        let facts = json!({
            "name": name,
            "tasks": ended.tasks,
            "refresh_tokens": ended.refresh_tokens,
            "sessions": sessions,
            "agents": agents,
        });
        let event = self.event(now, EventName::UserRemoved, facts);
        let event = event.of_subject(id.as_str());
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        Ok(json!({
            "id": id,
            "name": name,
            "state": "removed",
            "tasks": ended.tasks,
            "refresh_tokens": ended.refresh_tokens,
            "sessions": sessions,
            "agents": agents,
        }))
    }

    /// Stops every live task, each with its event, by one statement.
    async fn end(
        &self,
        transaction: &mut DatabaseTransaction,
        of: LiveOf<'_>,
        now: Timestamp,
    ) -> Result<LiveCounts, RegistrationError> {
        let mut ended = transaction.live_counts(of, now).await?;
        let events = BulkEvents::new(self.change(now));
        let of = match of {
            LiveOf::Client(id) => TasksOf::Client(id),
            LiveOf::User(id) => TasksOf::Person(id),
        };
        let tasks = transaction.stop_tasks(of, events.of_stop()).await?;
        ended.tasks = i64::try_from(tasks).unwrap_or(i64::MAX);
        Ok(ended)
    }
}
