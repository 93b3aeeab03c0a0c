//! Disabling a person: one guarded statement and its event. From that commit on nothing is live, on any node, that they are the
//! subject, owner or sponsor of (promise 5), and they cannot log in, until an operator enables them.

use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::{EventId, UserId};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

/// What is done to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Disable,
    Enable,
}

impl Switch {
    /// What a person must be for it.
    pub const fn before(self) -> &'static str {
        match self {
            Self::Disable => "enabled",
            Self::Enable => "disabled",
        }
    }

    /// What a person is after it.
    pub const fn after(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Enable => "enabled",
        }
    }
}

/// Whom it was done to; `None` if nobody has this name, or they are so already.
pub async fn switch(
    session: &mut DatabaseTransaction,
    name: &str,
    to: Switch,
    (event_id, now): (EventId, Timestamp),
) -> Result<Option<UserId>, StoreError> {
    let Some(stored) = session.user_by_name(name).await? else {
        return Ok(None);
    };
    let id = stored.user.id;
    let (done, event) = match to {
        Switch::Disable => (
            session.disable_user(&id, now).await?,
            EventName::UserDisabled,
        ),
        Switch::Enable => (session.enable_user(&id).await?, EventName::UserChanged),
    };
    if !done {
        return Ok(None);
    }
    let event = Event::new(event_id, now, event)
        .of_subject(id.as_str())
        .with(json!({ "by": "operator", "name": name, "state": to.after() }));
    session.insert_event(&event).await?;
    Ok(Some(id))
}
