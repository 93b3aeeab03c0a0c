//! What stopping, suspending and disabling share: who does it, and the audit event that is written with the guarded statement.

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, EventId};
use writ_wire::time::Timestamp;

use crate::node::app::App;

/// Who makes a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedBy<'a> {
    /// From the command line.
    Operator,
    /// The client itself, of what it registered.
    Registration,
    /// A user, of their own tasks alone.
    Subject(&'a str),
    /// A user who decides about the agent's requests on behalf of somebody else.
    Approver(&'a str),
    /// A user who was asked, and reports that the request was not theirs.
    Reporter {
        user: &'a str,
        request: &'a ApprovalId,
    },
}

impl ChangedBy<'_> {
    fn data(self) -> Value {
        match self {
            Self::Operator => json!({ "by": "operator" }),
            Self::Registration => json!({ "by": "registration" }),
            Self::Subject(_) => json!({ "by": "subject" }),
            Self::Approver(user) => json!({ "by": "approver", "approver": user }),
            Self::Reporter { user, request } => {
                json!({ "by": "report", "reported_by": user, "approval": request })
            }
        }
    }
}

/// A change that is being made: who makes it, when, and the id of its event.
#[derive(Clone, Debug)]
pub struct ChangeContext<'a> {
    pub by: ChangedBy<'a>,
    pub event_id: EventId,
    pub now: Timestamp,
}

impl ChangeContext<'_> {
    /// The event of the change; its data says who made it, beside these `facts`.
    pub(super) fn event(self, name: EventName, facts: Value) -> Event {
        let mut data = self.by.data();
        if let (Value::Object(data), Value::Object(facts)) = (&mut data, facts) {
            facts.into_iter().for_each(|(key, fact)| {
                data.entry(key).or_insert(fact);
            });
        }
        Event::new(self.event_id, self.now, name).with(data)
    }
}

impl App {
    /// A change by this actor at this time, with a new event id.
    pub fn change<'a>(&self, by: ChangedBy<'a>, now: Timestamp) -> ChangeContext<'a> {
        ChangeContext {
            by,
            event_id: self.event_id(now),
            now,
        }
    }
}
