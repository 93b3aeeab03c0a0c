//! Decisions per action on the wire: OpenID AuthZEN Authorization API 1.0 sections 5 to 7 and 9, with what its Access Request and
//! Approval Profile adds to a denial.

mod numbers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::waited_by::{self, WaitedBy};

/// The document of AuthZEN 1.0 section 9.
pub const METADATA_PATH: &str = "/.well-known/authzen-configuration";
/// Where a person is asked about a denied evaluation.
pub const REQUESTS_PATH: &str = "/access/v1/requests";
/// The capability of the Access Request and Approval Profile.
pub const ACCESS_REQUEST_CAPABILITY: &str = "urn:openid:authzen:capability:access-request";
/// The most evaluations of one request.
pub const MAX_EVALUATIONS: usize = 50;
/// The header that makes an evaluation a decision.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The length of a key, in characters.
pub const KEY_LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
/// The longest `data_class` of an outcome, in characters.
pub const MAX_DATA_CLASS: usize = 140;
/// So a denial begins whose arguments are outside the schema; the place follows.
pub const OUTSIDE_SCHEMA: &str = "The arguments are not those of this action:";
/// The largest arguments of an action that are kept, in bytes of JSON: what a person is asked about, and what was done.
pub const MAX_ARGUMENTS: usize = 64 * 1024;

/// A subject or a resource (AuthZEN 1.0 sections 5.1 and 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Entity {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
}

/// What is asked to be done (AuthZEN 1.0 section 5.3).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ActionRequest {
    pub name: String,
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// A number of the text from which it was read that other parsers read differently.
    #[serde(skip)]
    pub inexact: Option<String>,
}

/// The proof that came with a bound token, and the request that it was for (RFC 9449 section 4).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct PresentedProof {
    pub proof: String,
    pub htm: String,
    pub htu: String,
}

/// The approval of a result, as it came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct PresentedApproval {
    pub id: String,
}

/// AuthZEN 1.0 section 5.4: what this server reads of it. It is never written anywhere: it holds the caller's token.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EvaluationContext {
    #[serde(default)]
    pub access_token: Option<String>,
    #[serde(default)]
    pub dpop: Option<PresentedProof>,
    #[serde(default)]
    pub approval: Option<PresentedApproval>,
    /// The hash of the tool's definition as it is now (docs/mcp.md).
    #[serde(default)]
    pub definition_hash: Option<String>,
    /// For the record alone; a value that is none of those named is left out.
    #[serde(default, deserialize_with = "waited_by::known")]
    #[cfg_attr(feature = "openapi", schemars(schema_with = "waited_by::schema"))]
    pub waited_by: Option<WaitedBy>,
}

/// An evaluation as it stands in a request; in `evaluations` what is absent is taken from the whole request.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EvaluationMembers {
    #[serde(default)]
    pub subject: Option<Entity>,
    #[serde(default)]
    pub action: Option<ActionRequest>,
    #[serde(default)]
    pub resource: Option<Entity>,
    #[serde(default)]
    pub context: Option<EvaluationContext>,
}

/// One evaluation, whole.
#[derive(Clone)]
pub struct Evaluation {
    pub subject: Entity,
    pub action: ActionRequest,
    pub resource: Entity,
    pub access_token: String,
    pub dpop: Option<PresentedProof>,
    pub approval: Option<PresentedApproval>,
    pub definition_hash: Option<String>,
    pub waited_by: Option<WaitedBy>,
}

/// A member that an evaluation must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("member `{0}` is missing")]
pub struct MissingMember(pub &'static str);

impl EvaluationMembers {
    /// With the members of the whole request in place of those that are absent: each whole (AuthZEN 1.0 section 7.1.1).
    pub fn or(self, whole: &Self) -> Self {
        Self {
            subject: self.subject.or_else(|| whole.subject.clone()),
            action: self.action.or_else(|| whole.action.clone()),
            resource: self.resource.or_else(|| whole.resource.clone()),
            context: self.context.or_else(|| whole.context.clone()),
        }
    }

    pub fn complete(self) -> Result<Evaluation, MissingMember> {
        let missing = |name| MissingMember(name);
        let subject = self.subject.ok_or(missing("subject"))?;
        let action = self.action.ok_or(missing("action"))?;
        let resource = self.resource.ok_or(missing("resource"))?;
        let context = self.context.ok_or(missing("context"))?;
        let token = context.access_token;
        Ok(Evaluation {
            subject,
            action,
            resource,
            access_token: token.ok_or(missing("context.access_token"))?,
            dpop: context.dpop,
            approval: context.approval,
            definition_hash: context.definition_hash,
            waited_by: context.waited_by,
        })
    }
}

/// AuthZEN 1.0 section 7.1.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EvaluationsRequest {
    #[serde(flatten)]
    pub whole: EvaluationMembers,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(length(max = MAX_EVALUATIONS)))]
    pub evaluations: Vec<EvaluationMembers>,
    #[serde(default)]
    pub options: EvaluationsOptions,
}

/// AuthZEN 1.0 section 7.1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EvaluationsOptions {
    #[serde(default)]
    pub evaluations_semantic: EvaluationsSemantic,
}

/// When the rest is not evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EvaluationsSemantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why an evaluation is denied.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        pub enum DecisionReason { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl DecisionReason {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// Another resource's token, a dead one, an unknown one, a stopped one.
    TokenInvalid = "token_invalid",
    ProofInvalid = "proof_invalid",
    NotCovered = "not_covered",
    ArgumentsInvalid = "arguments_invalid",
    UnknownAction = "unknown_action",
    ApprovalRequired = "approval_required",
    Used = "used",
    BudgetExceeded = "budget_exceeded",
    /// The profile's, for an evaluation that presents an approval.
    ApprovalExpired = "approval_expired",
    OutOfScope = "out_of_scope",
    PolicyDenied = "policy_denied",
    ApprovalUnverifiable = "approval_unverifiable",
}

/// AuthZEN 1.0 section 6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EvaluationResponse {
    pub decision: bool,
    pub context: AnswerContext,
}

/// What a decision says beside yes and no; times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct AnswerContext {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_id: Option<String>,
    pub evaluated_at: String,
    /// Until then the action must have begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// It was decided before, by the same key: nothing is begun by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<UsedApproval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DecisionReason>,
    /// For people, by language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reason_user: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_request: Option<RequestableDenial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// The approval by which an evaluation permits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct UsedApproval {
    pub id: String,
    pub approved_until: String,
}

/// A person may be asked: `context.access_request` of the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RequestableDenial {
    pub endpoint: String,
    pub expires_at: String,
    pub display: DenialDisplay,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DenialDisplay {
    pub title: String,
}

/// What the resource server does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NextAction {
    Request,
    Retry,
    None,
}

/// AuthZEN 1.0 section 7.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EvaluationsResponse {
    pub evaluations: Vec<EvaluationResponse>,
}

/// What became of a permitted action.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct OutcomeRequest {
    pub decision_id: String,
    pub result: ActionOutcome,
    /// What was done, where that is less than was permitted.
    #[serde(default)]
    pub object: Option<Map<String, Value>>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(length(max = MAX_DATA_CLASS)))]
    pub data_class: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    Completed,
    Failed,
    NotStarted,
}

impl ActionOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::NotStarted => "not_started",
        }
    }
}

/// AuthZEN 1.0 section 9.1, and the profile's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionPointMetadata {
    pub policy_decision_point: String,
    pub access_evaluation_endpoint: String,
    pub access_evaluations_endpoint: String,
    pub access_request_endpoint: String,
    pub capabilities: Vec<String>,
}

/// Whether the arguments of an action are within [`MAX_ARGUMENTS`].
pub fn is_bounded(arguments: &Map<String, Value>) -> bool {
    serde_json::to_string(arguments).is_ok_and(|text| text.len() <= MAX_ARGUMENTS)
}

/// The value of `Idempotency-Key`: 16 to 128 visible characters, in quotation marks (RFC 9651 section 3.3.3) or without.
pub fn idempotency_key(text: &str) -> Option<&str> {
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let key = quoted.unwrap_or(text);
    let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    (KEY_LENGTH.contains(&key.len()) && key.bytes().all(plain)).then_some(key)
}

#[cfg(test)]
mod tests;
