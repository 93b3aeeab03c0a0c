//! The description of everything below `/access` says what is so: it is the committed one, it has every path and method, and what is
//! asked and answered there is as its schemas say.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use writ_server::client::access::OPENAPI_PATH;
use writ_server::client::access::openapi::text;
use writ_testkit::{EVALUATION, EVALUATIONS, ISSUER, OUTCOMES, TestReply, World, both, run_key};

use super::forward_auth::{CHECK, Call, Proxy};
use crate::approvals::access_scene::{REQUESTS, staged};
use crate::house;

const COMMITTED: &str = "docs/openapi/access.json";
const AS_COMMITTED: &str = "https://as.example";
const METHODS: [Method; 8] = [
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
];

/// The description, and what it says of one answer.
struct Description(Value);

impl Description {
    fn of_this_server() -> Self {
        Self(serde_json::from_str(&text(ISSUER)).unwrap())
    }

    fn paths(&self) -> BTreeSet<String> {
        self.0["paths"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    }

    fn operation(&self, method: &Method, path: &str) -> &Value {
        &self.0["paths"][path][method.as_str().to_lowercase()]
    }

    /// Why it is not as the schema says.
    fn fault(&self, schema: &Value, value: &Value) -> Option<String> {
        let whole = json!({ "allOf": [schema], "components": self.0["components"] });
        let validator = jsonschema::validator_for(&whole).unwrap();
        let found = validator.validate(value);
        found.err().map(|error| error.to_string())
    }

    /// A body that is taken is one that the description takes.
    #[track_caller]
    fn takes(&self, method: &Method, path: &str, body: &Value) {
        let schema =
            &self.operation(method, path)["requestBody"]["content"]["application/json"]["schema"];
        let found = self.fault(schema, body);
        assert!(found.is_none(), "{method} {path} {body}: {found:?}");
    }

    /// An answer is one that the description has, by status, media type and body.
    #[track_caller]
    fn has(&self, method: &Method, path: &str, reply: &TestReply) {
        let answer = &self.operation(method, path)["responses"][reply.status.to_string()];
        let what = format!("{method} {path} {}: {}", reply.status, reply.text());
        assert!(answer.is_object(), "{what}");
        let Some(content) = answer.get("content") else {
            return assert_eq!(reply.text(), "", "{what}");
        };
        let kind = reply.header("content-type").unwrap();
        let schema = &content[kind]["schema"];
        assert!(schema.is_object(), "{what}: {kind}");
        let found = self.fault(schema, &reply.json());
        assert!(found.is_none(), "{what}: {found:?}");
    }
}

/// A request, by the path of the description.
struct Sent<'a> {
    method: Method,
    path: &'a str,
    at: String,
    headers: Vec<(&'a str, &'a str)>,
    body: Value,
}

impl<'a> Sent<'a> {
    fn post(path: &'a str, authorization: &'a str, body: &Value) -> Self {
        Self {
            method: Method::POST,
            path,
            at: path.to_owned(),
            headers: vec![("authorization", authorization)],
            body: body.clone(),
        }
    }

    fn at(self, method: Method, path: &'a str, at: String) -> Self {
        Self {
            method,
            path,
            at,
            ..self
        }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sent, and held against the description.
    async fn to(mut self, world: &World, description: &Description) -> TestReply {
        let body = match &self.body {
            Value::Null => Vec::new(),
            body => {
                self.headers.push(("content-type", "application/json"));
                body.to_string().into_bytes()
            }
        };
        let reply = world
            .send(self.method.clone(), &self.at, &self.headers, body)
            .await;
        description.has(&self.method, self.path, &reply);
        if reply.status < 300 && !self.body.is_null() {
            description.takes(&self.method, self.path, &self.body);
        }
        reply
    }
}

#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let committed = std::fs::read_to_string(house::root().join(COMMITTED)).unwrap_or_default();
    let made = text(AS_COMMITTED);
    if committed != made {
        let here = std::env::temp_dir().join("writ-openapi-access.json");
        std::fs::write(&here, &made).unwrap();
        panic!("{COMMITTED} is another one: take {}", here.display());
    }
}

both!(
    /// Every path below `/access` is described with its methods, and nothing else is.
    every_route_is_described_and_nothing_else,
    |world| async {
        let description = Description::of_this_server();
        let routed = house::endpoints::paths().into_iter();
        let routed = routed.filter(|path| path.starts_with("/access/"));
        let routed: BTreeSet<String> = routed.map(|path| path.replace("{*", "{")).collect();
        assert_eq!(description.paths(), routed);
        for path in description.paths() {
            let at = path.replace("{id}", "apr_x").replace("{uri}", "x");
            for method in METHODS {
                let is_described = description.operation(&method, &path).is_object();
                let reply = world.send(method.clone(), &at, &[], Vec::new()).await;
                assert_ne!(reply.status, 404, "{method} {path}");
                // What is read may be asked about without its body (RFC 9110 section 9.3.2), and any place for its methods.
                let is_plain = ![Method::HEAD, Method::OPTIONS].contains(&method);
                if is_plain || path.starts_with(CHECK) {
                    assert_eq!(reply.status != 405, is_described, "{method} {path}");
                }
            }
        }
        let served = world.get(OPENAPI_PATH, &[]).await;
        assert_eq!((served.status, served.text()), (200, text(ISSUER)));
    }
);

both!(
    decisions_are_asked_and_answered_as_described,
    |world| async {
        let description = Description::of_this_server();
        let scene = staged(&world).await;
        let basic = scene.notes.basic.as_str();
        let arguments = json!({ "title": "Diary" });
        let read = scene
            .notes
            .evaluation(&scene.token, "read_note", arguments.clone());
        let deletion = scene.deletion("Diary");
        let mut proved = read.clone();
        proved["context"]["dpop"] =
            json!({ "proof": "x", "htm": "POST", "htu": "https://notes.example" });
        let mut none = read.clone();
        none["context"] = json!({});
        for (body, status) in [
            (&read, 200),
            (&deletion, 200),
            (&proved, 200),
            (&none, 400),
            (&json!([]), 400),
        ] {
            let reply = Sent::post(EVALUATION, basic, body)
                .to(&world, &description)
                .await;
            assert_eq!(reply.status, status, "{body}");
        }
        let key = run_key(&world);
        let sent = |body: &Value| Sent::post(EVALUATION, basic, body).with("idempotency-key", &key);
        let decided = sent(&read).to(&world, &description).await.json();
        assert_eq!(
            sent(&read).to(&world, &description).await.json()["context"]["replayed"],
            true
        );
        assert_eq!(sent(&deletion).to(&world, &description).await.status, 409);
        let wrong = Sent::post(EVALUATION, "Basic eDp4", &read)
            .to(&world, &description)
            .await;
        assert_eq!(wrong.status, 401);

        let mut many = read.clone();
        many["evaluations"] = json!([{}, { "action": { "name": "x" } }]);
        many["options"] = json!({ "evaluations_semantic": "execute_all" });
        for body in [&many, &read] {
            let reply = Sent::post(EVALUATIONS, basic, body)
                .to(&world, &description)
                .await;
            assert_eq!(reply.status, 200);
        }

        let told = json!({ "decision_id": decided["context"]["decision_id"], "result": "completed", "object": { "a": 1 }, "data_class": "notes" });
        let other = json!({ "decision_id": decided["context"]["decision_id"], "result": "failed" });
        for (body, status) in [(&told, 204), (&told, 204), (&other, 409), (&json!({}), 400)] {
            let reply = Sent::post(OUTCOMES, basic, body)
                .to(&world, &description)
                .await;
            assert_eq!(reply.status, status, "{body}");
        }
    }
);

both!(
    access_requests_are_asked_and_answered_as_described,
    |world| async {
        let description = Description::of_this_server();
        let mut scene = staged(&world).await;
        let basic = scene.notes.basic.clone();
        let mut body = scene
            .notes
            .submission(&world, &scene.deletion("Diary"))
            .await;
        body["context"]["says"] = json!("It was changed today.");
        body["requested_access"] = json!({ "urn:writ:call_again": true });
        let asked = Sent::post(REQUESTS, &basic, &body)
            .to(&world, &description)
            .await;
        assert_eq!(asked.status, 202);
        let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
        let (one, cancelled) = (
            format!("{REQUESTS}/{{id}}"),
            format!("{REQUESTS}/{{id}}/cancel"),
        );
        let show = || {
            Sent::post(&one, &basic, &Value::Null).at(Method::GET, &one, format!("{REQUESTS}/{id}"))
        };
        assert_eq!(
            show().to(&world, &description).await.json()["task"]["status"],
            "pending"
        );
        scene.yes(&id).await;
        assert_eq!(
            show().to(&world, &description).await.json()["task"]["status"],
            "approved"
        );

        let second = scene.notes.asked(&world, &scene.deletion("Letters")).await;
        let words = json!({ "reason": "changed_mind", "comment": "Not now" });
        for (method, body, status) in [
            (Method::POST, &words, 200),
            (Method::POST, &words, 409),
            (Method::DELETE, &Value::Null, 409),
        ] {
            let at = format!("{REQUESTS}/{second}/cancel");
            let sent = Sent::post(&cancelled, &basic, body).at(method, &cancelled, at);
            assert_eq!(sent.to(&world, &description).await.status, status);
        }
        let third = scene.notes.asked(&world, &scene.deletion("Recipes")).await;
        let denied = scene
            .notes
            .submission(&world, &scene.deletion("Recipes"))
            .await;
        let page = scene.alice.look(&third).await;
        // Later than the yes, so that it is the first no since.
        world.advance(1);
        scene.alice.refuse(&page, "deny").await;
        let again = Sent::post(REQUESTS, &basic, &denied)
            .to(&world, &description)
            .await;
        assert_eq!(again.status, 403);
        let nobodys = show().at(Method::GET, &one, format!("{REQUESTS}/apr_x"));
        assert_eq!(nobodys.to(&world, &description).await.status, 404);
        body["denial"]["evaluation_id"] = json!("evl_x");
        let made_up = Sent::post(REQUESTS, &basic, &body)
            .to(&world, &description)
            .await;
        assert_eq!(made_up.status, 400);
        let broken = Sent::post(REQUESTS, &basic, &json!([]))
            .to(&world, &description)
            .await;
        assert_eq!(broken.status, 400);
        let wrong = Sent::post(REQUESTS, "Basic eDp4", &body)
            .to(&world, &description)
            .await;
        assert_eq!(wrong.status, 401);
    }
);

both!(
    /// What is too long or too much for the description is refused, and what just fits is taken by both.
    the_bounds_that_are_described_are_those_that_hold,
    |world| async {
        let description = Description::of_this_server();
        let scene = staged(&world).await;
        let basic = scene.notes.basic.as_str();
        let read = scene.notes.evaluation(&scene.token, "read_note", json!({ "title": "A" }));
        let decided = scene.notes.decide(&world, &read).await;
        let many = |count: usize| {
            let mut body = read.clone();
            body["evaluations"] = json!(vec![json!({}); count]);
            body
        };
        let told = |length: usize| {
            json!({ "decision_id": decided["context"]["decision_id"], "result": "completed", "data_class": "ü".repeat(length) })
        };
        let submission = scene.notes.submission(&world, &scene.deletion("Diary")).await;
        let said = |length: usize| {
            let mut body = submission.clone();
            body["context"]["says"] = json!("ü".repeat(length));
            body
        };
        for (path, fits, more) in [
            (EVALUATIONS, many(50), many(51)),
            (OUTCOMES, told(140), told(141)),
            (REQUESTS, said(140), said(141)),
        ] {
            let schema = &description.operation(&Method::POST, path)["requestBody"]["content"]["application/json"]["schema"];
            let refused = Sent::post(path, basic, &more).to(&world, &description).await;
            assert_eq!(refused.status, 400, "{path}");
            assert!(description.fault(schema, &more).is_some(), "{path}");
            let taken = Sent::post(path, basic, &fits).to(&world, &description).await;
            assert!(taken.status < 300, "{path}: {}", taken.text());
        }
        // A way of waiting that has no name here is left out, and is no fault.
        let mut odd = read.clone();
        for way in [json!("progress"), json!("smoke_signals"), json!(7)] {
            odd["context"]["waited_by"] = way;
            let taken = Sent::post(EVALUATION, basic, &odd).to(&world, &description).await;
            assert_eq!(taken.status, 200);
        }
        let headers = |path: &str| {
            let parameters = description.operation(&Method::POST, path)["parameters"].clone();
            let parameters = parameters.as_array().unwrap().clone();
            parameters.into_iter().map(|one| one["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(headers(REQUESTS), ["prefer", "idempotency-key"]);
        assert_eq!(headers(EVALUATION), ["idempotency-key"]);
    }
);

both!(checks_of_a_proxy_are_answered_as_described, |world| async {
    let description = Description::of_this_server();
    let proxy = Proxy::of(&world).await;
    let token = proxy.cast.token(&world).await;
    let planner = &proxy.cast.planner;
    for (call, status) in [
        (
            Call::bound(&world, planner, &token, ("GET", "/accounts")),
            200,
        ),
        (Call::bare("GET", "/accounts"), 401),
        (Call::bound(&world, planner, &token, ("GET", "/x")), 403),
    ] {
        let reply = proxy.ask(&world, &call).await;
        assert_eq!(reply.status, status);
        description.has(&Method::GET, CHECK, &reply);
    }
    for method in METHODS.into_iter().filter(|method| method != Method::HEAD) {
        let reply = world.send(method.clone(), CHECK, &[], Vec::new()).await;
        assert_eq!(reply.status, 400, "{method}");
        description.has(&method, CHECK, &reply);
    }
});
