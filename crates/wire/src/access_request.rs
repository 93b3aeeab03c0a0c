//! AuthZEN Access Request and Approval Profile, Draft 1, on the wire: what a resource server sends about a denied evaluation, the task
//! that it gets, and the problem types (RFC 9457).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest words of a resource server to a person, in characters.
pub const MAX_SAYS: usize = 140;
/// The longest reason and comment of a cancellation, in characters.
pub const MAX_CANCEL_WORDS: usize = 140;
/// RFC 9457 section 3.
pub const PROBLEM: &str = "application/problem+json";

/// What stands in a submission beside the members of the evaluation that was denied.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Submission {
    #[serde(default)]
    pub denial: Option<DenialReference>,
    #[serde(default)]
    pub requested_access: RequestedAccess,
    #[serde(default)]
    pub context: SubmissionContext,
    /// Several items in one request: not supported.
    #[serde(default)]
    pub items: Option<Value>,
}

/// The denied evaluation. Unknown members are ignored.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DenialReference {
    #[serde(default)]
    pub evaluation_id: Option<String>,
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// What is asked for beside the action itself.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RequestedAccess {
    /// The caller's client can carry nothing: the same call, made again, counts as the approved one for two minutes.
    #[serde(default, rename = "urn:writ:call_again")]
    pub call_again: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SubmissionContext {
    /// The resource server's words to the person.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(length(max = MAX_SAYS)))]
    pub says: Option<String>,
}

/// The body of a cancellation.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Cancellation {
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub comment: Option<String>,
}

/// An access request as the resource server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TaskResponse {
    pub task: AccessTask,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ApprovalResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AccessTask {
    pub id: String,
    pub status: TaskStatus,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancelReason>,
    pub status_endpoint: String,
    /// RFC 3339.
    pub expires_at: String,
    pub links: TaskLinks,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TaskLinks {
    /// The page on which people decide.
    pub review: String,
    /// Absent where there is nothing to cancel any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    Pending,
    Approved,
    Denied,
    Expired,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// A newer question took its place.
    Superseded,
    CancelledByResource,
    /// What the caller does for this person was stopped, or they want no questions of this resource any more.
    Stopped,
}

/// The completion of a task that was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ApprovalResult {
    pub mode: ResultMode,
    pub approval: TaskApproval,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResultMode {
    Reevaluate,
}

/// Comes back unchanged as `context.approval` of the next evaluation. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TaskApproval {
    pub id: String,
    pub approved_at: String,
    pub approved_until: String,
    /// What was approved, where that is less than what was asked: evaluate that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
}

/// A problem type, with its status and title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemType {
    NotRequestable,
    ExpiredDenial,
    InvalidDenialBinding,
    DuplicateRequest,
    UnknownTask,
    TaskExpired,
    InvalidTaskState,
    /// Ours: this person is not asked now.
    TooMany,
    /// The same, after a no to something else.
    Paused,
    /// The same, after "This was not me".
    Silenced,
    /// Ours: the person said no to this very call just before.
    Denied,
    /// RFC 9457 section 4.2.1: what the status says.
    Blank(u16),
}

impl ProblemType {
    pub const ALL: [Self; 11] = [
        Self::NotRequestable,
        Self::ExpiredDenial,
        Self::InvalidDenialBinding,
        Self::DuplicateRequest,
        Self::UnknownTask,
        Self::TaskExpired,
        Self::InvalidTaskState,
        Self::TooMany,
        Self::Paused,
        Self::Silenced,
        Self::Denied,
    ];

    pub const fn uri(self) -> &'static str {
        match self {
            Self::NotRequestable => "urn:openid:authzen:access-request:error:not_requestable",
            Self::ExpiredDenial => "urn:openid:authzen:access-request:error:expired_denial",
            Self::InvalidDenialBinding => {
                "urn:openid:authzen:access-request:error:invalid_denial_binding"
            }
            Self::DuplicateRequest => "urn:openid:authzen:access-request:error:duplicate_request",
            Self::UnknownTask => "urn:openid:authzen:access-request:error:unknown_task",
            Self::TaskExpired => "urn:openid:authzen:access-request:error:task_expired",
            Self::InvalidTaskState => "urn:openid:authzen:access-request:error:invalid_task_state",
            Self::TooMany | Self::Paused | Self::Silenced => "urn:writ:access-request:too-many",
            Self::Denied => DENIED,
            Self::Blank(_) => "about:blank",
        }
    }

    pub const fn status(self) -> u16 {
        match self {
            Self::NotRequestable | Self::InvalidDenialBinding => 400,
            Self::Denied => 403,
            Self::UnknownTask => 404,
            Self::DuplicateRequest | Self::InvalidTaskState => 409,
            Self::ExpiredDenial | Self::TaskExpired => 410,
            Self::TooMany | Self::Paused | Self::Silenced => 429,
            Self::Blank(status) => status,
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::NotRequestable => "Nobody can be asked about this",
            Self::ExpiredDenial => "The denial is too old: evaluate again",
            Self::InvalidDenialBinding => "This is not the denied evaluation",
            Self::DuplicateRequest => "The key was used for another request",
            Self::UnknownTask => "There is no such task",
            Self::TaskExpired => "The task is over",
            Self::InvalidTaskState => "The task has ended",
            Self::TooMany => "Too many questions",
            Self::Paused => "The person said no just before",
            Self::Silenced => "The person wants no questions of this resource",
            Self::Denied => "The person said no",
            Self::Blank(_) => "The request is not valid",
        }
    }
}

/// By which a resource server knows that its question was answered before, by a no.
pub const DENIED: &str = "urn:writ:access-request:denied";

/// RFC 9457 section 3.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ProblemBody {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Of a task that there is not: the resources that the client serves, unless there are too many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

impl ProblemBody {
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.uri().to_owned(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            resources: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The profile's section on submissions, its example; members that nobody here reads are ignored.
    #[test]
    fn a_submission_is_read_beside_its_evaluation() {
        let body = json!({
            "subject": { "type": "user", "id": "alice@example.com" },
            "action": { "name": "can_read" }, "resource": { "type": "document", "id": "q4-plan" },
            "context": { "justification": "Need access", "says": "It was changed today." },
            "denial": { "evaluation_id": "eval_1", "expires_at": "2026-04-30T20:45:00Z", "reason": "x" },
            "requested_access": { "requested_until": "2026-05-01T00:42:00Z", "urn:writ:call_again": true },
            "client": { "id": "pep" }
        });
        let read: Submission = serde_json::from_value(body).unwrap();
        assert_eq!(
            read.denial.unwrap().evaluation_id.as_deref(),
            Some("eval_1")
        );
        assert!(read.requested_access.call_again);
        assert_eq!(read.context.says.as_deref(), Some("It was changed today."));
        let empty: Submission = serde_json::from_value(json!({})).unwrap();
        assert!(empty.denial.is_none() && !empty.requested_access.call_again);
    }

    /// The profile's section on errors.
    #[test]
    fn problems_have_the_profiles_types_and_statuses() {
        let found = ProblemType::ALL.map(|kind| (kind.uri(), kind.status()));
        let urn = "urn:openid:authzen:access-request:error:";
        for (name, status) in [
            ("not_requestable", 400),
            ("expired_denial", 410),
            ("invalid_denial_binding", 400),
            ("duplicate_request", 409),
            ("unknown_task", 404),
            ("task_expired", 410),
            ("invalid_task_state", 409),
        ] {
            assert!(found.contains(&(&format!("{urn}{name}"), status)), "{name}");
        }
    }
}
