//! The description of the operators' API as OpenAPI 3.1, made from the table of its operations and the types that are read and written.
//! `docs/openapi/api.json` is the same text; `tests/operate/api_openapi.rs` keeps it true.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use writ_wire::api::{API_PATH, ApiProblemBody, ApiScope, PROBLEM_TYPE};

use super::changing::containing::{ForgetRequest, NothingToSay, StopRequest};
use super::changing::{ProposalEntry, ProposalRequest};
use super::operation::{Action, ApiMethod, ApiOperation, Containment, View};
use super::operations::OPERATIONS;
use crate::node::app::App;
use crate::operate::directory::{
    DirectoryPage, approvals, clients, events, keys, people, records, tasks,
};

pub fn path() -> String {
    format!("{API_PATH}/openapi.json")
}

pub async fn description(State(app): State<Arc<App>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=60"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, Body::from(text(app.config.issuer.as_str()))).into_response()
}

/// The description of the server at this URL, for people to read too.
pub fn text(issuer: &str) -> String {
    format!("{:#}\n", document(issuer))
}

fn document(issuer: &str) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let described = schemas.operation(operation);
        let item = paths.entry(operation.path()).or_insert_with(|| json!({}));
        if let Value::Object(methods) = item {
            methods.insert(operation.method.as_str().to_owned(), described);
        }
    }
    let own = json!({
        "operationId": "openapi", "summary": "This description", "security": [],
        "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "type": "object" } } } } }
    });
    paths.insert(path(), json!({ "get": own }));
    let token = issuer.trim_end_matches('/');
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Writ: the operators' API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Lists and records of everything, containment, removal, and proposals of what widens. Refusals are problems (RFC 9457).",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") }
        },
        "servers": [{ "url": token }],
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "securitySchemes": { "dpop": {
                "type": "http", "scheme": "dpop",
                "description": format!(
                    "An access token by `client_credentials` at {token}/token with `resource` {token}{API_PATH}, of a client whose record has `operator`; scopes: {}",
                    ApiScope::ALL.map(ApiScope::as_str).join(", ")
                )
            } }
        }
    })
}

struct Schemas {
    read: SchemaGenerator,
    sent: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            let place = "/components/schemas";
            SchemaSettings::draft2020_12().with(|s| s.definitions_path = place.into())
        };
        Self {
            read: settings().for_deserialize().into_generator(),
            sent: settings().for_serialize().into_generator(),
        }
    }

    fn all(&mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        all.extend(self.sent.take_definitions(true));
        all
    }

    fn read<T: JsonSchema>(&mut self) -> Value {
        Schema::to_value(self.read.subschema_for::<T>())
    }

    fn sent<T: JsonSchema>(&mut self) -> Value {
        Schema::to_value(self.sent.subschema_for::<T>())
    }

    fn operation(&mut self, operation: &ApiOperation) -> Value {
        let (status, answer) = self.answer(operation);
        let mut responses = Map::new();
        let ok = json!({ "description": "Done", "content": json_of(answer) });
        responses.insert(status.to_owned(), ok);
        if operation.method == ApiMethod::Get {
            responses.insert("304".to_owned(), json!({ "description": "As it is known" }));
        }
        let problem = self.sent::<ApiProblemBody>();
        for status in refusals(operation) {
            let content = json!({ PROBLEM_TYPE: { "schema": problem } });
            let refusal = json!({ "description": "A problem", "content": content });
            responses.insert((*status).to_owned(), refusal);
        }
        let mut described = json!({
            "operationId": operation.id,
            "summary": operation.summary,
            "security": [{ "dpop": [operation.scope().as_str()] }],
            "parameters": parameters(operation),
            "responses": responses,
        });
        if let (Some(body), Value::Object(members)) = (self.body(operation), &mut described) {
            members.insert("requestBody".to_owned(), body);
        }
        described
    }

    fn body(&mut self, operation: &ApiOperation) -> Option<Value> {
        let (required, schema) = match operation.action {
            Action::Read(_) | Action::Remove(_) => return None,
            Action::Stop(Containment::Client) => (false, self.read::<StopRequest>()),
            Action::Stop(Containment::ForgetConsents) => (true, self.read::<ForgetRequest>()),
            Action::Stop(_) => (false, self.read::<NothingToSay>()),
            Action::Propose => (true, self.read::<ProposalRequest>()),
        };
        Some(json!({ "required": required, "content": json_of(schema) }))
    }

    fn answer(&mut self, operation: &ApiOperation) -> (&'static str, Value) {
        match operation.action {
            Action::Read(view) => ("200", self.view(view)),
            Action::Stop(_) | Action::Remove(_) => ("200", json!({ "type": "object" })),
            Action::Propose => {
                let text = || json!({ "type": "string" });
                let members =
                    json!({ "id": text(), "hash": text(), "url": text(), "expires_at": text() });
                let required = ["id", "hash", "url", "expires_at"];
                (
                    "202",
                    json!({ "type": "object", "required": required, "properties": members }),
                )
            }
        }
    }

    fn view(&mut self, view: View) -> Value {
        match view {
            View::Agents | View::Clients | View::Guests => {
                self.sent::<DirectoryPage<clients::ClientEntry>>()
            }
            View::Agent | View::Client | View::Guest => self.sent::<clients::ClientEntry>(),
            View::Resources => self.sent::<DirectoryPage<records::ResourceEntry>>(),
            View::Resource => self.sent::<records::ResourceEntry>(),
            View::Types => self.sent::<DirectoryPage<records::TypeEntry>>(),
            View::Type => self.sent::<records::TypeEntry>(),
            View::People => self.sent::<DirectoryPage<people::PersonEntry>>(),
            View::Person => self.sent::<people::ShownPerson>(),
            View::Tasks => self.sent::<DirectoryPage<tasks::TaskEntry>>(),
            View::Task => self.sent::<tasks::TaskTree>(),
            View::Delegations => self.sent::<DirectoryPage<tasks::DelegationEntry>>(),
            View::Delegation => self.sent::<tasks::DelegationEntry>(),
            View::Approvals => self.sent::<DirectoryPage<approvals::ApprovalEntry>>(),
            View::Approval => self.sent::<approvals::ApprovalEntry>(),
            View::Consents => self.sent::<DirectoryPage<records::ConsentEntry>>(),
            View::Consent => self.sent::<records::ConsentEntry>(),
            View::Decisions => self.sent::<DirectoryPage<records::DecisionEntry>>(),
            View::Decision => self.sent::<records::DecisionEntry>(),
            View::Keys => self.sent::<DirectoryPage<keys::KeyEntry>>(),
            View::Events => self.sent::<DirectoryPage<events::EventEntry>>(),
            View::Event => self.sent::<events::EventEntry>(),
            View::Proposals => self.sent::<DirectoryPage<ProposalEntry>>(),
            View::Proposal => self.sent::<ProposalEntry>(),
        }
    }
}

fn json_of(schema: Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn refusals(operation: &ApiOperation) -> &'static [&'static str] {
    match operation.action {
        Action::Read(_) => &["400", "401", "403", "404", "429", "500", "503"],
        Action::Remove(_) => &[
            "400", "401", "403", "404", "412", "422", "428", "429", "500", "503",
        ],
        Action::Stop(_) | Action::Propose => &[
            "400", "401", "403", "404", "409", "412", "413", "415", "422", "429", "500", "503",
        ],
    }
}

fn parameters(operation: &ApiOperation) -> Vec<Value> {
    let text = || json!({ "type": "string" });
    let mut found = Vec::new();
    if operation.has_id() {
        found.push(json!({ "name": "id", "in": "path", "required": true, "schema": text() }));
    }
    let named = |name: &str, place: &str| json!({ "name": name, "in": place, "schema": text() });
    match operation.action {
        Action::Read(view) => {
            found.extend(view.filters().iter().map(|name| named(name, "query")));
            if view.is_paged() {
                found.push(named("cursor", "query"));
                found.push(json!({
                    "name": "limit", "in": "query",
                    "schema": { "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }
                }));
            }
            found.push(named("if-none-match", "header"));
        }
        Action::Remove(_) => {
            found.push(
                json!({ "name": "if-match", "in": "header", "required": true, "schema": text() }),
            );
            found.push(named("idempotency-key", "header"));
        }
        Action::Stop(_) | Action::Propose => found.push(named("idempotency-key", "header")),
    }
    found
}
