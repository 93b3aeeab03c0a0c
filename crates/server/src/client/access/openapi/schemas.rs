//! JSON Schemas of what is read and of what is sent, each by the way in which serde reads or writes it.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use writ_wire::access::{
    EvaluationMembers, EvaluationResponse, EvaluationsRequest, EvaluationsResponse, OutcomeRequest,
};
use writ_wire::access_request::{Cancellation, PROBLEM, ProblemBody, Submission, TaskResponse};
use writ_wire::error::ErrorBody;
use writ_wire::forward_auth::ForwardAuthProblem;

/// Where the definitions stand in the document.
const PLACE: &str = "/components/schemas";
const JSON: &str = "application/json";

/// What an answer holds.
#[derive(Clone, Copy)]
pub enum Sent {
    Nothing,
    Evaluation,
    Evaluations,
    Task,
    Error,
    /// A problem of the profile, or an error of the request as a whole.
    Problem,
    ForwardProblem,
}

pub struct Schemas {
    read: SchemaGenerator,
    sent: SchemaGenerator,
}

impl Schemas {
    pub fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|s| s.definitions_path = PLACE.into());
        Self {
            read: settings().for_deserialize().into_generator(),
            sent: settings().for_serialize().into_generator(),
        }
    }

    /// Every definition that was referred to.
    pub fn all(&mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all
    }

    /// One evaluation: no member may be taken from elsewhere.
    pub fn evaluation(&mut self) -> Value {
        let members = self.read::<EvaluationMembers>();
        json!({ "allOf": [members, whole()] })
    }

    pub fn evaluations(&mut self) -> Value {
        self.read::<EvaluationsRequest>()
    }

    pub fn outcome(&mut self) -> Value {
        self.read::<OutcomeRequest>()
    }

    pub fn submission(&mut self) -> Value {
        let members = self.read::<EvaluationMembers>();
        let denial = self.read::<Submission>();
        json!({ "allOf": [members, whole(), denial] })
    }

    pub fn cancellation(&mut self) -> Value {
        self.read::<Cancellation>()
    }

    fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    fn sent<T: JsonSchema>(&mut self) -> Value {
        Schema::to_value(self.sent.subschema_for::<T>())
    }

    pub fn answer(&mut self, sent: Sent) -> Value {
        let one = |kind: &str, schema: Value, says: &str| {
            let content = Map::from_iter([(kind.to_owned(), json!({ "schema": schema }))]);
            json!({ "description": says, "content": content })
        };
        match sent {
            Sent::Nothing => json!({ "description": "OK" }),
            Sent::Evaluation => one(JSON, self.sent::<EvaluationResponse>(), "OK"),
            Sent::Evaluations => {
                let (many, single) = (
                    self.sent::<EvaluationsResponse>(),
                    self.sent::<EvaluationResponse>(),
                );
                one(JSON, json!({ "anyOf": [many, single] }), "OK")
            }
            Sent::Task => one(JSON, self.sent::<TaskResponse>(), "OK"),
            Sent::Error => one(JSON, self.sent::<ErrorBody>(), "Refused"),
            Sent::ForwardProblem => one(PROBLEM, self.sent::<ForwardAuthProblem>(), "Denied"),
            Sent::Problem => {
                let problem = json!({ "schema": self.sent::<ProblemBody>() });
                let error = json!({ "schema": self.sent::<ErrorBody>() });
                json!({ "description": "Refused", "content": { PROBLEM: problem, JSON: error } })
            }
        }
    }
}

/// What `EvaluationMembers::complete` wants.
fn whole() -> Value {
    json!({
        "type": "object", "required": ["subject", "action", "resource", "context"],
        "properties": {
            "subject": { "type": "object" }, "action": { "type": "object" }, "resource": { "type": "object" },
            "context": {
                "type": "object", "required": ["access_token"],
                "properties": { "access_token": { "type": "string" } }
            }
        }
    })
}
