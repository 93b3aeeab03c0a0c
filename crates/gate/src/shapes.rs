//! What the gate passes on of a client's words, by name and kind of value at every level (MCP 2025-03-26 to 2026-07-28, schema): of
//! `params` anything else is refused, and of what describes the client, of `_meta` and of answers it is left out.

use serde_json::{Map, Value};

use crate::message::is_id;
use crate::trace;

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Text,
    Bool,
    Number,
    /// Of a request, and a token of progress.
    Id,
    OneOf(&'static [&'static str]),
    List(&'static Shape),
    Object(&'static [Member]),
    /// An object of which its being there says everything.
    Mark,
    /// A text that this takes.
    Written(fn(&str) -> bool),
    /// What a person typed into a form: by names of the form, texts, numbers, truth values and lists of texts.
    Form,
    /// It is decided about by its value, or judged where it is read.
    Judged,
}

/// A member that an object may have.
pub(crate) type Member = (&'static str, Shape);

/// What a member is that is no such thing: a sentence for the client's developer.
pub(crate) fn check(
    members: &Map<String, Value>,
    of: &str,
    known: &[Member],
) -> Result<(), String> {
    for (name, value) in members {
        let place = format!("{of}.{name}");
        match shape_of(name, known) {
            Some(shape) => shape.check(value, &place)?,
            None => return Err(format!("`{place}` is not known here")),
        }
    }
    Ok(())
}

/// Leaves out what is not known, and what is of another kind.
pub(crate) fn keep(members: &mut Map<String, Value>, known: &[Member]) {
    members.retain(|name, value| shape_of(name, known).is_some_and(|shape| shape.keep(value)));
}

fn shape_of(name: &str, known: &[Member]) -> Option<Shape> {
    let found = known.iter().find(|(one, _)| *one == name);
    found.map(|(_, shape)| *shape)
}

impl Shape {
    fn check(self, value: &Value, place: &str) -> Result<(), String> {
        match (self, value) {
            (Self::Object(known), Value::Object(members)) => check(members, place, known),
            (Self::List(of), Value::Array(values)) => values
                .iter()
                .enumerate()
                .try_for_each(|(at, one)| of.check(one, &format!("{place}[{at}]"))),
            (Self::Form, Value::Object(fields)) => fields
                .iter()
                .find(|(_, field)| !is_of_form(field))
                .map_or(Ok(()), |(name, _)| {
                    Err(format!("`{place}.{name}` is no value of a form"))
                }),
            _ if self.is_plainly(value) => Ok(()),
            _ => Err(format!("`{place}` is no {}", self.name())),
        }
    }

    /// Whether the value may stay, with what is known of it.
    fn keep(self, value: &mut Value) -> bool {
        match (self, value) {
            (Self::Object(known), Value::Object(members)) => {
                keep(members, known);
                true
            }
            (Self::List(of), Value::Array(values)) => {
                values.retain_mut(|one| of.keep(one));
                true
            }
            (Self::Mark, Value::Object(members)) => {
                members.clear();
                true
            }
            (Self::Form, Value::Object(fields)) => {
                fields.retain(|_, field| is_of_form(field));
                true
            }
            (_, value) => self.is_plainly(value),
        }
    }

    /// Of a value without members of its own.
    fn is_plainly(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Bool => value.is_boolean(),
            Self::Number => value.is_number(),
            Self::Id => is_id(value),
            Self::OneOf(known) => value.as_str().is_some_and(|text| known.contains(&text)),
            Self::Written(takes) => value.as_str().is_some_and(takes),
            Self::Judged => true,
            Self::List(_) | Self::Object(_) | Self::Mark | Self::Form => false,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bool => "truth value",
            Self::Number => "number",
            Self::Id => "integer, and no text of 1 to 256 characters",
            Self::OneOf(_) | Self::Written(_) => "value that is known here",
            Self::List(_) => "list",
            Self::Object(_) | Self::Mark | Self::Form => "object",
            Self::Judged => "value",
        }
    }
}

fn is_of_form(field: &Value) -> bool {
    match field {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
        Value::Array(values) => values.iter().all(Value::is_string),
        Value::Null | Value::Object(_) => false,
    }
}

/// Of each method that is taken, `params`. `initialize` is not here: of it is left out what is not in [`INITIALIZE`].
pub(crate) fn params_of(method: &str) -> Option<&'static [Member]> {
    use Shape::{Id, Judged, Number, Object, OneOf, Text};
    Some(match method {
        "tools/call" => &[
            ("name", Text),
            ("arguments", Judged),
            ("task", Object(&[("ttl", Number)])),
            ("inputResponses", Judged),
            ("requestState", Text),
            ("_meta", Judged),
        ],
        "resources/read" => &[
            ("uri", Text),
            ("inputResponses", Judged),
            ("requestState", Text),
            ("_meta", Judged),
        ],
        "resources/subscribe" | "resources/unsubscribe" => &[("uri", Text), ("_meta", Judged)],
        "prompts/get" => &[
            ("name", Text),
            ("arguments", Judged),
            ("inputResponses", Judged),
            ("requestState", Text),
            ("_meta", Judged),
        ],
        "completion/complete" => &[
            (
                "ref",
                Object(&[
                    ("type", Text),
                    ("name", Text),
                    ("title", Text),
                    ("uri", Text),
                ]),
            ),
            ("argument", Object(&[("name", Text), ("value", Text)])),
            ("context", Object(&[("arguments", Judged)])),
            ("_meta", Judged),
        ],
        "subscriptions/listen" => &[("notifications", Judged), ("_meta", Judged)],
        "tasks/get" | "tasks/result" | "tasks/cancel" => &[("taskId", Text), ("_meta", Judged)],
        "tools/list"
        | "resources/list"
        | "resources/templates/list"
        | "prompts/list"
        | "tasks/list" => &[("cursor", Text), ("_meta", Judged)],
        "logging/setLevel" => &[("level", OneOf(LEVELS)), ("_meta", Judged)],
        "server/discover" | "ping" => &[("_meta", Judged)],
        "notifications/initialized" | "notifications/roots/list_changed" => &[("_meta", Judged)],
        "notifications/cancelled" => &[("requestId", Id), ("reason", Text), ("_meta", Judged)],
        "notifications/progress" => &[
            ("progressToken", Id),
            ("progress", Number),
            ("total", Number),
            ("message", Text),
            ("_meta", Judged),
        ],
        _ => return None,
    })
}

/// What a client may answer to a request of the server.
pub(crate) fn result_of(method: &str) -> &'static [Member] {
    use Shape::{Form, Judged, List, Object, OneOf, Text};
    match method {
        "elicitation/create" => &[
            ("action", OneOf(&["accept", "decline", "cancel"])),
            ("content", Form),
            META_OF_ANSWER,
        ],
        "roots/list" => &[
            ("roots", List(&Object(&[("uri", Text), ("name", Text)]))),
            META_OF_ANSWER,
        ],
        // What a model said is its own.
        "sampling/createMessage" => &[
            ("role", OneOf(&["user", "assistant"])),
            ("content", Judged),
            ("model", Text),
            ("stopReason", Text),
            META_OF_ANSWER,
        ],
        _ => &[META_OF_ANSWER],
    }
}

/// The answer to a request of the server that comes as input (MCP 2026-07-28, `InputResponse`), or what it is not. Of its `_meta`, by
/// which nothing was asked, nothing is left.
pub(crate) fn check_input(
    method: &str,
    answer: &mut Map<String, Value>,
    place: &str,
) -> Result<(), String> {
    let needed: &[&str] = match method {
        "elicitation/create" => &["action"],
        "roots/list" => &["roots"],
        "sampling/createMessage" => &["role", "content", "model"],
        _ => &[],
    };
    answer.remove("_meta");
    // A result says so of itself in this revision, and this one need not.
    if answer
        .get("resultType")
        .is_some_and(|kind| kind == "complete")
    {
        answer.remove("resultType");
    }
    check(answer, place, result_of(method))?;
    match needed.iter().find(|name| !answer.contains_key(**name)) {
        None => Ok(()),
        Some(name) => Err(format!("`{place}.{name}` is missing")),
    }
}

const META_OF_ANSWER: Member = ("_meta", Shape::Object(META));

/// Of an error that a client answers.
pub(crate) const ERROR: &[Member] = &[("code", Shape::Number), ("message", Shape::Text)];

/// Of `initialize` what the server hears.
pub(crate) const INITIALIZE: &[Member] = &[
    ("protocolVersion", Shape::Text),
    ("capabilities", Shape::Object(CAPABILITY)),
    ("clientInfo", Shape::Object(IMPLEMENTATION)),
    ("_meta", Shape::Object(META)),
];

/// Of `_meta` what the server hears. Of a task, or of a subscription, a client speaks by the methods for that.
pub(crate) const META: &[Member] = &[
    ("progressToken", Shape::Id),
    ("io.modelcontextprotocol/protocolVersion", Shape::Text),
    (
        "io.modelcontextprotocol/clientInfo",
        Shape::Object(IMPLEMENTATION),
    ),
    (
        "io.modelcontextprotocol/clientCapabilities",
        Shape::Object(CAPABILITY),
    ),
    ("io.modelcontextprotocol/logLevel", Shape::OneOf(LEVELS)),
    ("traceparent", Shape::Written(trace::is_parent)),
    ("tracestate", Shape::Written(trace::is_state)),
    ("baggage", Shape::Written(trace::is_baggage)),
];

const IMPLEMENTATION: &[Member] = &[
    ("name", Shape::Text),
    ("title", Shape::Text),
    ("version", Shape::Text),
    ("description", Shape::Text),
    ("websiteUrl", Shape::Text),
    ("icons", Shape::List(&Shape::Object(ICON))),
];

const ICON: &[Member] = &[
    ("src", Shape::Text),
    ("mimeType", Shape::Text),
    ("sizes", Shape::List(&Shape::Text)),
    ("theme", Shape::OneOf(&["light", "dark"])),
];

/// `tasks` is not among them: a client that takes tasks of the server takes what they ask for. Nor are `experimental` and `extensions`:
/// nobody judges what they say, and without it they would say something else.
const CAPABILITY: &[Member] = &[
    ("roots", Shape::Object(&[("listChanged", Shape::Bool)])),
    (
        "sampling",
        Shape::Object(&[("context", Shape::Mark), ("tools", Shape::Mark)]),
    ),
    (
        "elicitation",
        Shape::Object(&[("form", Shape::Mark), ("url", Shape::Mark)]),
    ),
];

/// RFC 5424 section 6.2.1, as MCP names them.
const LEVELS: &[&str] = &[
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

#[cfg(test)]
mod tests;
