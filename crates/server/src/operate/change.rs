//! What stopping, suspending and disabling share: who does it, and the audit event that is written with the guarded statement.

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, ClientId, EventId, UserId};
use writ_wire::time::Timestamp;

use crate::node::app::App;

/// Who operates this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// At the command line: the user of the system, by its name there. Whoever may write the database may write another one.
    System { user: String },
    /// Somebody who holds an office, signed in at the console.
    Person { id: UserId, name: String },
    /// A client of the API.
    Client { id: ClientId },
}

impl Operator {
    /// As an event says it.
    pub fn recorded(&self) -> Value {
        match self {
            Self::System { user } => json!({ "system_user": user }),
            Self::Person { id, name } => json!({ "user": id, "name": name }),
            Self::Client { id } => json!({ "client": id }),
        }
    }

    /// The members of an event's data that say who made the change.
    pub fn data(&self) -> Value {
        json!({ "by": "operator", "operator": self.recorded() })
    }
}

/// Who makes a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedBy<'a> {
    /// An operator, by the command line, the console or the API.
    Operator(&'a Operator),
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
            Self::Operator(operator) => operator.data(),
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
    pub fn event(self, name: EventName, facts: Value) -> Event {
        Event::new(self.event_id, self.now, name).with(beside(self.by.data(), facts))
    }
}

/// These members and those; who made a change is never overwritten.
pub fn beside(mut data: Value, facts: Value) -> Value {
    if let (Value::Object(data), Value::Object(facts)) = (&mut data, facts) {
        facts.into_iter().for_each(|(key, fact)| {
            data.entry(key).or_insert(fact);
        });
    }
    data
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
