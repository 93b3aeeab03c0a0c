//! The audit log's events. Each is written in the database transaction of the state that it tells of.

use serde_json::{Map, Value, json};
use writ_wire::registration::Profile;
use writ_wire::time::Timestamp;

use crate::checks::Endpoint;
use crate::client::Client;
use crate::delegation::Delegation;
use crate::id::EventId;
use crate::oauth_error::OAuthError;
use crate::task::Task;

macro_rules! event_names {
    ($($name:ident = $text:literal,)*) => {
        /// Names of events that this version writes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventName { $($name,)* }

        impl EventName {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

event_names! {
    UserAdded = "user.added",
    LoginSucceeded = "login.succeeded",
    LoginFailed = "login.failed",
    LoginSteppedUp = "login.stepped_up",
    LogoutSucceeded = "logout.succeeded",
    SessionEnded = "session.ended",
    ConsoleOpened = "console.opened",
    ConsoleClosed = "console.closed",
    UserInvited = "user.invited",
    UserChanged = "user.changed",
    UserRecovered = "user.recovered",
    UserDisabled = "user.disabled",
    UserRemoved = "user.removed",
    ConsentGiven = "consent.given",
    ConsentNarrowed = "consent.narrowed",
    ConsentDenied = "consent.denied",
    ConsentForgotten = "consent.forgotten",
    AgentRegistered = "agent.registered",
    AgentChanged = "agent.changed",
    AgentRemoved = "agent.removed",
    AgentReported = "agent.reported",
    AgentPaused = "agent.paused",
    AgentUnpaused = "agent.unpaused",
    AgentSuspended = "agent.suspended",
    AgentResumed = "agent.resumed",
    GuestRegistered = "guest.registered",
    GuestChanged = "guest.changed",
    TaskSuspended = "task.suspended",
    TaskResumed = "task.resumed",
    ClientRegistered = "client.registered",
    ClientInvited = "client.invited",
    ClientChanged = "client.changed",
    ClientRemoved = "client.removed",
    ClientSecretRotated = "client.secret_rotated",
    ResourceChanged = "resource.changed",
    ResourceRemoved = "resource.removed",
    ResourceReported = "resource.reported",
    IssuerChanged = "issuer.changed",
    ChangeProposed = "change.proposed",
    TypeChanged = "type.changed",
    TaskProposed = "task.proposed",
    TaskApproved = "task.approved",
    TaskRevoked = "task.revoked",
    DelegationMade = "delegation.made",
    DelegationStopped = "delegation.stopped",
    ApprovalRequested = "approval.requested",
    ApprovalNotified = "approval.notified",
    ApprovalViewed = "approval.viewed",
    ApprovalEscalated = "approval.escalated",
    ApprovalApproved = "approval.approved",
    ApprovalDenied = "approval.denied",
    ApprovalExpired = "approval.expired",
    ApprovalCancelled = "approval.cancelled",
    ApprovalRedeemed = "approval.redeemed",
    DecisionPermitted = "decision.permitted",
    DecisionDenied = "decision.denied",
    DecisionNeedsApproval = "decision.needs_approval",
    ActionCompleted = "action.completed",
    ActionFailed = "action.failed",
    ActionNotStarted = "action.not_started",
    ActionUnreported = "action.unreported",
    TokenIssued = "token.issued",
    TokenExchanged = "token.exchanged",
    TokenRefreshed = "token.refreshed",
    TokenRevoked = "token.revoked",
    TokenRefused = "token.refused",
    RequestRefused = "request.refused",
    KeyCreated = "key.created",
    KeyActivated = "key.activated",
    KeyRetired = "key.retired",
    AuditArchived = "audit.archived",
    EventsLost = "events.lost",
}

/// One record. Live rows may be purged: this copy alone answers who, for whom, what, under which limits then.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub name: EventName,
    pub subject: Option<String>,
    /// From the current actor inwards, joined by `>`.
    pub actor_path: Option<String>,
    pub client: Option<String>,
    pub owner: Option<String>,
    pub sponsor: Option<String>,
    pub task: Option<String>,
    pub delegation: Option<String>,
    pub purpose: Option<String>,
    pub resource: Option<String>,
    pub details_hash: Option<String>,
    /// `permit` or `deny`.
    pub decision: Option<&'static str>,
    pub reason: Option<String>,
    pub transaction: Option<String>,
    /// Everything else: the authority and its limits, `jti`, `exp`.
    pub data: Value,
}

impl Event {
    pub fn new(id: EventId, at: Timestamp, name: EventName) -> Self {
        Self {
            id,
            at,
            name,
            subject: None,
            actor_path: None,
            client: None,
            owner: None,
            sponsor: None,
            task: None,
            delegation: None,
            purpose: None,
            resource: None,
            details_hash: None,
            decision: None,
            reason: None,
            transaction: None,
            data: Value::Null,
        }
    }

    pub fn by(mut self, client: &Client) -> Self {
        self.client = Some(client.id.to_string());
        if let Some(agent) = &client.agent {
            self.owner = Some(agent.owner.to_string());
            self.sponsor = Some(agent.sponsor.to_string());
        }
        // Nobody registered a guest: its record alone says what it was.
        if client.is_guest() {
            let profile = Profile::Guest.as_str().into();
            self.data = with_profile(self.data, profile);
        }
        self
    }

    pub fn about(mut self, task: &Task) -> Self {
        self.subject = Some(task.subject.as_str().to_owned());
        self.task = Some(task.id.to_string());
        self.purpose.clone_from(&task.purpose);
        self.transaction = Some(task.transaction.to_string());
        self
    }

    pub fn under(mut self, delegation: &Delegation) -> Self {
        self.delegation = Some(delegation.id.to_string());
        self.actor_path = delegation.act.is_some().then(|| delegation.actor_path());
        let approval = delegation.approval.as_ref();
        if let Some(challenged) = approval.and_then(|approval| approval.transaction.clone()) {
            self.transaction = Some(challenged);
        }
        self
    }

    pub fn of_subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }

    pub fn at_resource(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    pub fn permitted(mut self) -> Self {
        self.decision = Some("permit");
        self
    }

    pub fn denied(mut self, refusal: &OAuthError) -> Self {
        self.decision = Some("deny");
        let cause = refusal
            .cause
            .as_deref()
            .map(|c| format!(" ({c})"))
            .unwrap_or_default();
        self.reason = Some(format!(
            "{}: {}{cause}",
            refusal.code.as_str(),
            refusal.sentence
        ));
        self
    }

    /// A refusal after client authentication: of a token, or of a request at another endpoint, which `data` names.
    pub fn refused_at(mut self, endpoint: Endpoint) -> Self {
        if let Endpoint::Token(_) = endpoint {
            self.name = EventName::TokenRefused;
        } else {
            self.name = EventName::RequestRefused;
            return self.with(json!({ "endpoint": endpoint.path() }));
        }
        self
    }

    /// The profile of a guest stays.
    pub fn with(mut self, data: Value) -> Self {
        let profile = self.data.get(PROFILE).cloned();
        self.data = match profile {
            Some(profile) => with_profile(data, profile),
            None => data,
        };
        self
    }
}

/// Unless the data says it itself.
fn with_profile(data: Value, profile: Value) -> Value {
    let mut members = match data {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        other => return other,
    };
    members.entry(PROFILE).or_insert(profile);
    Value::Object(members)
}

const PROFILE: &str = "profile";
