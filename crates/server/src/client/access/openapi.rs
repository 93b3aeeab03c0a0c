//! The description of everything below `/access` as OpenAPI 3.1, made from the types that are read and written there
//! (docs/decisions.md). `docs/openapi/access.json` is the same text; `tests/client/openapi.rs` keeps it true.

mod schemas;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use writ_core::checks::Endpoint;
use writ_wire::access::{IDEMPOTENCY_KEY, KEY_LENGTH, REQUESTS_PATH};
use writ_wire::forward_auth::{
    ORIGINAL_AUTHORIZATION, ORIGINAL_DPOP, ORIGINAL_METHOD, ORIGINAL_ORIGIN, ORIGINAL_URI,
};

use self::schemas::{Schemas, Sent};
use super::{CACHE, OPENAPI_PATH};
use crate::node::app::App;

/// As they are routed; a scene compares.
const TASK: &str = "/access/v1/requests/{id}";
const CANCEL: &str = "/access/v1/requests/{id}/cancel";
const FORWARD_ROOT: &str = "/access/v1/forward-auth/";
const FORWARD_BELOW: &str = "/access/v1/forward-auth/{uri}";

pub async fn description(State(app): State<Arc<App>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, CACHE),
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
    let paths = paths(&mut schemas);
    let scheme = |name: &str| json!({ "type": "http", "scheme": name });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Writ: decisions, access requests and forward-auth",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the server of a resource, or a proxy before it, asks. OpenID AuthZEN Authorization API 1.0 and its Access Request and Approval Profile, draft 1.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") }
        },
        "servers": [{ "url": issuer.trim_end_matches('/') }],
        "security": [{ "basic": [] }, { "bearer": [] }, { "dpop": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "securitySchemes": {
                "basic": scheme("basic"), "bearer": scheme("bearer"), "dpop": scheme("dpop")
            }
        }
    })
}

fn paths(schemas: &mut Schemas) -> Value {
    let evaluations = "Looks at up to 50; nothing is decided";
    let mut paths = Map::new();
    let mut add = |path: &str, item: Value| paths.insert(path.to_owned(), item);
    add(
        Endpoint::Evaluation.path(),
        json!({ "post": evaluation(schemas) }),
    );
    let many = operation("evaluations", evaluations, schemas.evaluations(), &[]);
    let responses = answers(schemas, &refusals(&[("200", Sent::Evaluations)]));
    let many = with(many, "responses", responses);
    add(Endpoint::Evaluations.path(), json!({ "post": many }));
    let told = operation(
        "outcomes",
        "What became of a permitted action",
        schemas.outcome(),
        &[],
    );
    let responses = answers(
        schemas,
        &refusals(&[("204", Sent::Nothing), ("409", Sent::Error)]),
    );
    let told = with(told, "responses", responses);
    add(Endpoint::Outcomes.path(), json!({ "post": told }));
    add(REQUESTS_PATH, json!({ "post": access_request(schemas) }));
    add(TASK, json!({ "get": task(schemas) }));
    add(CANCEL, cancellation(schemas));
    for (path, place) in [
        (Endpoint::ForwardAuth.path(), ForwardPath::Whole),
        (FORWARD_ROOT, ForwardPath::Root),
        (FORWARD_BELOW, ForwardPath::Below),
    ] {
        add(path, check(schemas, place));
    }
    let own = json!({
        "operationId": "openapi", "summary": "This description", "security": [],
        "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "type": "object" } } } } }
    });
    add(OPENAPI_PATH, json!({ "get": own }));
    paths.into()
}

/// As it is read, without the quotation marks in which it may stand too.
fn idempotency_key(says: &str) -> Value {
    let schema = json!({ "type": "string", "minLength": KEY_LENGTH.start(), "maxLength": KEY_LENGTH.end(), "pattern": "^[!#-\\[\\]-~]+$" });
    header_field(IDEMPOTENCY_KEY, says, schema)
}

fn evaluation(schemas: &mut Schemas) -> Value {
    let key = idempotency_key("Makes it a decision. Drawn at random for each run");
    let body = schemas.evaluation();
    let one = operation("evaluation", "Is this action permitted, now?", body, &[key]);
    let all = refusals(&[("200", Sent::Evaluation), ("409", Sent::Error)]);
    with(one, "responses", answers(schemas, &all))
}

fn access_request(schemas: &mut Schemas) -> Value {
    let body = schemas.submission();
    let ask = operation(
        "requests",
        "Asks a person about a denied evaluation",
        body,
        &[
            prefer(),
            idempotency_key("Finds the task again that a request with this key made"),
        ],
    );
    let mut all = problems();
    // A person said no to this very call.
    all.push(("403", Sent::Problem));
    all.extend([("201", Sent::Task), ("202", Sent::Task)]);
    with(ask, "responses", answers(schemas, &all))
}

fn task(schemas: &mut Schemas) -> Value {
    let show = operation(
        "task",
        "What became of the question",
        Value::Null,
        &[id(), prefer()],
    );
    let mut all = problems();
    all.push(("200", Sent::Task));
    with(show, "responses", answers(schemas, &all))
}

fn cancellation(schemas: &mut Schemas) -> Value {
    let body = json!({ "content": content(schemas.cancellation()) });
    let cancel = operation("cancel", "Takes the question back", Value::Null, &[id()]);
    let mut all = problems();
    all.push(("200", Sent::Task));
    let cancel = with(cancel, "requestBody", body);
    let cancel = with(cancel, "responses", answers(schemas, &all));
    let deletion = with(cancel.clone(), "operationId", "cancelByDelete".into());
    json!({ "post": cancel, "delete": deletion })
}

/// Where the caller's path stands.
enum ForwardPath {
    /// In a header field.
    Whole,
    /// Behind the path of the check, and nothing more than `/`.
    Root,
    Below,
}

/// A check may come by any method, which may be the caller's: those that OpenAPI 3.1 has a word for.
const CHECK_METHODS: [&str; 8] = [
    "Get", "Put", "Post", "Delete", "Options", "Head", "Patch", "Trace",
];

fn check(schemas: &mut Schemas, path: ForwardPath) -> Value {
    let text = || json!({ "type": "string" });
    let field = |name, says| header_field(name, says, text());
    let origin = field(
        ORIGINAL_ORIGIN,
        "Scheme, host and port, as the proxy is configured",
    );
    let origin = with(origin, "required", true.into());
    let fields = [
        origin,
        field(
            ORIGINAL_METHOD,
            "The caller's method; absent where it is that of the check",
        ),
        field(
            ORIGINAL_URI,
            "Its path and query; absent where they stand behind the path of the check",
        ),
        field(ORIGINAL_AUTHORIZATION, "Its `Authorization`"),
        field(ORIGINAL_DPOP, "Its `DPoP`"),
    ];
    let (name, below) = match path {
        ForwardPath::Whole => ("forwardAuth", None),
        ForwardPath::Root => ("forwardAuthRoot", None),
        ForwardPath::Below => ("forwardAuthBelow", Some(path_member("uri"))),
    };
    let fields: Vec<Value> = fields.into_iter().chain(below).collect();
    let summary = "A proxy asks about one request, by any method (docs/forward-auth.md)";
    let denied = ["401", "403"].map(|status| (status, Sent::ForwardProblem));
    let refused = ["400", "429", "500", "503"].map(|status| (status, Sent::Error));
    let mut all = vec![("200", Sent::Nothing)];
    all.extend(denied);
    all.extend(refused);
    let responses = answers(schemas, &all);
    let each = CHECK_METHODS.map(|method| {
        let check = operation(&format!("{name}{method}"), summary, Value::Null, &fields);
        let check = with(check, "responses", responses.clone());
        (method.to_lowercase(), check)
    });
    Value::Object(each.into_iter().collect())
}

fn operation(id: &str, summary: &str, body: Value, parameters: &[Value]) -> Value {
    let operation = json!({ "operationId": id, "summary": summary, "parameters": parameters });
    if body.is_null() {
        return operation;
    }
    let body = json!({ "required": true, "content": content(body) });
    with(operation, "requestBody", body)
}

fn content(schema: Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

/// The object with this member too, or instead.
fn with(object: Value, name: &str, member: Value) -> Value {
    let Value::Object(mut members) = object else {
        return object;
    };
    members.insert(name.to_owned(), member);
    members.into()
}

/// The refusals of every endpoint here, by status.
const REFUSALS: [&str; 9] = [
    "400", "401", "403", "405", "413", "415", "429", "500", "503",
];
/// What the Access Request and Approval Profile answers as problems.
const PROBLEMS: [&str; 5] = ["400", "404", "409", "410", "429"];

/// Those of an endpoint that takes a body, and more where they are named.
fn refusals<'a>(more: &[(&'a str, Sent)]) -> Vec<(&'a str, Sent)> {
    let all = REFUSALS.map(|status| (status, Sent::Error));
    all.into_iter().chain(more.iter().copied()).collect()
}

fn problems() -> Vec<(&'static str, Sent)> {
    refusals(&PROBLEMS.map(|status| (status, Sent::Problem)))
}

/// The last word about a status counts.
fn answers(schemas: &mut Schemas, all: &[(&str, Sent)]) -> Value {
    let mut answers = Map::new();
    for (status, sent) in all {
        answers.insert((*status).to_owned(), schemas.answer(*sent));
    }
    answers.into()
}

fn id() -> Value {
    path_member("id")
}

fn path_member(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn prefer() -> Value {
    header_field(
        "prefer",
        "`wait=N`: for how many seconds it may be held (RFC 7240)",
        json!({ "type": "string" }),
    )
}

fn header_field(name: &str, says: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "description": says, "schema": schema })
}
