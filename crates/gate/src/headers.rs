//! Header fields that repeat what the body says (MCP 2026-07-28, transports: request metadata): they agree with the body, or the
//! message is refused, because what stands before the server may go by them. To the server go the gate's own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::message::ClientRequest;

pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const PARAM: &str = "mcp-param-";
/// The first revision in which every request says its version, and its headers repeat the body.
pub(crate) const STATELESS: &str = "2026-07-28";

/// The fields of one request, which were found to agree.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Mirrored {
    pub(crate) version: Option<String>,
    pub(crate) is_stateless: bool,
    /// `Mcp-Method` and `Mcp-Name`, as the gate writes them.
    pub(crate) fields: Vec<(HeaderName, HeaderValue)>,
}

/// A sentence for the client's developer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch(pub(crate) String);

/// One value, or none. Two would be read in two ways.
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, Mismatch> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Mismatch(format!("`{name}` is there twice")));
    }
    let text = value
        .to_str()
        .map_err(|_| Mismatch(format!("`{name}` is not ASCII")))?;
    Ok(Some(text))
}

/// `MCP-Protocol-Version` alone: of a message that is no request.
pub(crate) fn version(headers: &HeaderMap) -> Result<Option<String>, Mismatch> {
    let Some(version) = single(headers, &PROTOCOL_VERSION)? else {
        return Ok(None);
    };
    let plain = |b: u8| b.is_ascii_digit() || b == b'-';
    match (1..=16).contains(&version.len()) && version.bytes().all(plain) {
        true => Ok(Some(version.to_owned())),
        false => Err(Mismatch(format!("`{PROTOCOL_VERSION}` is no revision"))),
    }
}

pub(crate) fn check(headers: &HeaderMap, request: &ClientRequest) -> Result<Mirrored, Mismatch> {
    let version = version(headers)?;
    let in_body = request.meta("io.modelcontextprotocol/protocolVersion");
    if let Some(said) = in_body
        && said.as_str() != version.as_deref()
    {
        return Err(mismatch(&PROTOCOL_VERSION, "`_meta`"));
    }
    // Revisions are dates, so their text is in their order.
    let is_stateless = version
        .as_deref()
        .is_some_and(|version| version >= STATELESS);
    if is_stateless && in_body.is_none() {
        return Err(mismatch(
            &PROTOCOL_VERSION,
            "`_meta`, which does not say it",
        ));
    }
    let mut fields = Vec::new();
    let method = single(headers, &METHOD)?;
    if method.is_some_and(|method| method != request.method) || (is_stateless && method.is_none()) {
        return Err(mismatch(&METHOD, "`method`"));
    }
    if method.is_some() {
        fields.push((METHOD, plain_or_encoded(&request.method)?));
    }
    let named = name_of(request);
    let name = single(headers, &NAME)?.map(decoded).transpose()?;
    match (&name, named) {
        (None, None) => {}
        (None, Some(_)) if !is_stateless => {}
        (Some(name), Some(named)) if name == named => fields.push((NAME, plain_or_encoded(named)?)),
        _ => return Err(mismatch(&NAME, "`params`")),
    }
    Ok(Mirrored {
        version,
        is_stateless,
        fields,
    })
}

fn name_of(request: &ClientRequest) -> Option<&str> {
    let member = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return None,
    };
    request.params.get(member).and_then(Value::as_str)
}

/// The fields that the tool's schema wants for its arguments (`x-mcp-header`), as the gate writes them. One of the client that says
/// something else is refused; one that nobody asked for goes nowhere.
pub(crate) fn of_arguments(
    headers: &HeaderMap,
    schema: &Value,
    arguments: &Map<String, Value>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Mismatch> {
    let mut fields = Vec::new();
    collect(
        schema,
        Some(&Value::Object(arguments.clone())),
        &mut fields,
        MAX_DEPTH,
    );
    let mut written = Vec::new();
    for (name, value) in fields {
        let name = HeaderName::try_from(format!("{PARAM}{}", name.to_ascii_lowercase())).map_err(
            |_| Mismatch("the tool's schema names a header field that is none".to_owned()),
        )?;
        let said = single(headers, &name)?.map(decoded).transpose()?;
        let own = value.as_ref().and_then(text_of);
        if said.is_some() && said != own {
            return Err(mismatch(&name, "the argument"));
        }
        if let Some(own) = own {
            written.push((name, plain_or_encoded(&own)?));
        }
    }
    Ok(written)
}

/// Along `properties` alone, as the specification has it.
fn collect(
    schema: &Value,
    value: Option<&Value>,
    found: &mut Vec<(String, Option<Value>)>,
    depth: u8,
) {
    let Some(below) = depth.checked_sub(1) else {
        return;
    };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, schema) in properties {
        let here = value.and_then(|value| value.get(name));
        if let Some(header) = schema.get("x-mcp-header").and_then(Value::as_str) {
            found.push((header.to_owned(), here.cloned()));
        }
        collect(schema, here, found, below);
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn mismatch(name: &HeaderName, with: &str) -> Mismatch {
    Mismatch(format!(
        "the header field `{name}` does not agree with {with}"
    ))
}

fn decoded(text: &str) -> Result<String, Mismatch> {
    let inner = text
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END));
    let Some(inner) = inner else {
        return Ok(text.to_owned());
    };
    let bytes = STANDARD.decode(inner).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Mismatch("a header field in base64 cannot be read".to_owned()))
}

fn plain_or_encoded(text: &str) -> Result<HeaderValue, Mismatch> {
    let visible = |b: u8| (0x20..0x7f).contains(&b);
    let plain = text.bytes().all(visible) && text.trim() == text && !text.is_empty();
    let sentinel = text.starts_with(BEGIN) && text.ends_with(END);
    let written = match plain && !sentinel {
        true => HeaderValue::from_str(text),
        false => HeaderValue::from_str(&format!("{BEGIN}{}{END}", STANDARD.encode(text))),
    };
    written.map_err(|_| Mismatch("a value fits in no header field".to_owned()))
}

const BEGIN: &str = "=?base64?";
const END: &str = "?=";
const MAX_DEPTH: u8 = 16;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, params: Value) -> ClientRequest {
        ClientRequest {
            id: json!(1),
            method: method.to_owned(),
            params: params.as_object().unwrap().clone(),
            misread: None,
        }
    }

    fn fields(of: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn call(name: &str, version: Option<&str>) -> ClientRequest {
        let mut params = json!({ "name": name, "arguments": {} });
        if let Some(version) = version {
            params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": version });
        }
        request("tools/call", params)
    }

    #[test]
    fn fields_that_say_what_the_body_says_are_written_anew() {
        let old = check(&fields(&[]), &call("rm", None)).unwrap();
        assert_eq!(old, Mirrored::default());
        let modern = fields(&[
            ("mcp-protocol-version", STATELESS),
            ("mcp-method", "tools/call"),
            ("mcp-name", "=?base64?w6k=?="),
        ]);
        let mirrored = check(&modern, &call("é", Some(STATELESS))).unwrap();
        assert!(mirrored.is_stateless);
        let values: Vec<_> = mirrored
            .fields
            .iter()
            .map(|(_, value)| value.to_str().unwrap())
            .collect();
        assert_eq!(values, ["tools/call", "=?base64?w6k=?="]);
    }

    #[test]
    fn the_schema_of_arguments_is_looked_at_so_deep() {
        let written = |depth: u8| {
            let mut schema = json!({ "x-mcp-header": "Deep" });
            let mut arguments = json!("here");
            for _ in 0..depth {
                schema = json!({ "properties": { "a": schema } });
                arguments = json!({ "a": arguments });
            }
            let arguments = arguments.as_object().unwrap();
            of_arguments(&fields(&[]), &schema, arguments)
                .unwrap()
                .len()
        };
        assert_eq!(
            (written(1), written(MAX_DEPTH), written(MAX_DEPTH + 1)),
            (1, 1, 0)
        );
    }

    #[test]
    fn fields_that_say_something_else_are_refused() {
        let version = ("mcp-protocol-version", STATELESS);
        let method = ("mcp-method", "tools/call");
        let modern = || call("rm", Some(STATELESS));
        for (of, request) in [
            (&[("mcp-method", "tools/list")][..], call("rm", None)),
            (&[("mcp-name", "ls")], call("rm", None)),
            (&[("mcp-name", "RM")], call("rm", None)),
            (&[("mcp-name", "rm"), ("mcp-name", "rm")], call("rm", None)),
            (&[method, method], call("rm", None)),
            (&[("mcp-name", "x")], request("tools/list", json!({}))),
            (&[version, method], modern()),
            (&[version, ("mcp-name", "rm")], modern()),
            (&[version, method, ("mcp-name", "rm")], call("rm", None)),
            (
                &[version, method, ("mcp-name", "rm")],
                call("rm", Some("2025-11-25")),
            ),
            (&[method, ("mcp-name", "rm")], modern()),
            (&[("mcp-protocol-version", "latest")], call("rm", None)),
            (&[version, version, method, ("mcp-name", "rm")], modern()),
            (&[version, method, ("mcp-name", "=?base64?!?=")], modern()),
        ] {
            assert!(check(&fields(of), &request).is_err(), "{of:?}");
        }
    }

    #[test]
    fn fields_of_arguments_are_those_of_the_schema() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "properties": { "n": { "x-mcp-header": "N" } } }
        } });
        let arguments = json!({ "region": "eu", "deep": { "n": 7 } });
        let arguments = arguments.as_object().unwrap();
        let written =
            of_arguments(&fields(&[("mcp-param-other", "x")]), &schema, arguments).unwrap();
        let mut written: Vec<_> = written
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        written.sort();
        assert_eq!(written, ["mcp-param-n: 7", "mcp-param-region: eu"]);
        for bad in [
            &[("mcp-param-region", "us")][..],
            &[("mcp-param-region", "eu"), ("mcp-param-region", "eu")],
        ] {
            assert!(
                of_arguments(&fields(bad), &schema, arguments).is_err(),
                "{bad:?}"
            );
        }
        let none = Map::new();
        assert!(of_arguments(&fields(&[("mcp-param-region", "us")]), &schema, &none).is_err());
    }
}
