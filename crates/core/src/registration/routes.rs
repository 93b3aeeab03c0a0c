//! The routes of a resource's file (docs/forward-auth.md): each a method, a pattern and what covers it.

use std::collections::BTreeSet;

use writ_authority::MAX_ACTION_NAME;
use writ_wire::registration::{ResourceFile, RouteFile};

use super::MAX_NAME;
use crate::forward_auth::plain_method;
use crate::forward_auth::{HttpPlace, PatternSegment, PlainPath, Route, RouteRule, RouteTable};

/// The most routes of one resource.
pub const MAX_ROUTES: usize = 256;

/// Each route, or why it is none.
pub(super) fn routes(file: &ResourceFile, faults: &mut Vec<String>) -> RouteTable {
    let mut routes = Vec::new();
    for route in &file.routes {
        match compiled(route) {
            Ok(route) => routes.push(route),
            Err(why) => faults.push(fault(route, &why)),
        }
    }
    RouteTable {
        place: HttpPlace::of(file.resource.as_str()),
        routes,
    }
}

fn compiled(route: &RouteFile) -> Result<Route, String> {
    if !plain_method(&route.method) {
        return Err("`method` is written in capital letters, such as `GET`".to_owned());
    }
    let pattern = read_pattern(&route.path)?;
    let named = |segment: &PatternSegment| matches!(segment, PatternSegment::Argument(_));
    let rule = match (&route.scope, &route.action) {
        (Some(scope), None) if !pattern.iter().any(named) => RouteRule::Scope(scope.clone()),
        (Some(_), None) => {
            return Err(
                "`{name}` is an argument of an `action`: write `*` with `scope`".to_owned(),
            );
        }
        (None, Some(action)) => RouteRule::Action(action.clone()),
        (None, None) | (Some(_), Some(_)) => {
            return Err("it has either `scope` or `action`".to_owned());
        }
    };
    Ok(Route {
        method: route.method.clone(),
        pattern,
        rule,
    })
}

/// The segments of a pattern: those that are no wildcard are segments of a path.
pub(crate) fn read_pattern(text: &str) -> Result<Vec<PatternSegment>, String> {
    let rest = text.strip_prefix('/');
    let rest = rest.ok_or_else(|| "`path` begins with `/`".to_owned())?;
    let last = rest.split('/').count().saturating_sub(1);
    let mut pattern = Vec::new();
    let mut names = BTreeSet::new();
    for (place, segment) in rest.split('/').enumerate() {
        let inner = segment.strip_prefix('{');
        let inner = inner.and_then(|inner| inner.strip_suffix('}'));
        pattern.push(match (segment, inner) {
            ("*", _) => PatternSegment::Any,
            ("**", _) if place == last => PatternSegment::Rest,
            ("**", _) => return Err("`**` is the last segment".to_owned()),
            (_, Some(name)) if is_name(name) && names.insert(name) => {
                PatternSegment::Argument(name.to_owned())
            }
            (_, Some(_)) => {
                return Err(format!(
                    "`{{name}}` is 1 to {MAX_ACTION_NAME} letters, digits and `_`, each name once"
                ));
            }
            (literal, None) => literal_segment(literal, place == last)?,
        });
    }
    Ok(pattern)
}

fn literal_segment(text: &str, is_last: bool) -> Result<PatternSegment, String> {
    if text.is_empty() && !is_last {
        return Err("it has two slashes in a row".to_owned());
    }
    if text.contains('*') {
        return Err("`*` and `**` are whole segments".to_owned());
    }
    let whole = format!("/{text}");
    match PlainPath::parse(&whole) {
        Ok(_) => Ok(PatternSegment::Literal(text.to_owned())),
        Err(why) => Err(format!("no request with this path is judged: {why}")),
    }
}

fn is_name(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=MAX_ACTION_NAME).contains(&text.len()) && text.bytes().all(letters)
}

/// What is checked only when a resource is added.
pub(super) fn check_routes(file: &ResourceFile, faults: &mut Vec<String>) {
    if file.routes.is_empty() {
        return;
    }
    if file.routes.len() > MAX_ROUTES {
        faults.push(format!("`routes` has more than {MAX_ROUTES} members"));
    }
    if file.client_id.is_none() {
        faults.push("`routes`: nobody can ask without `client_id`".to_owned());
    }
    let mut actions = file.actions.values();
    if actions.any(|action| action.definition_hash.is_some()) {
        faults.push(
            "`routes`: `actions` has tools of an MCP server, whose calls stand in their bodies: no proxy sees them, so put `writ gate` before it".to_owned(),
        );
    }
    let place = HttpPlace::of(file.resource.as_str());
    if place.is_none() {
        faults.push("`routes`: no request with a plain path is at `resource`".to_owned());
    }
    let mut earlier: Vec<Route> = Vec::new();
    for route in &file.routes {
        if let Some(why) = fault_of(route, file, place.as_ref()) {
            faults.push(fault(route, &why));
        }
        if let Ok(route_read) = compiled(route) {
            if earlier.iter().any(|before| before.covers(&route_read)) {
                faults.push(fault(
                    route,
                    "an earlier route has all of it: this one is never reached",
                ));
            }
            earlier.push(route_read);
        }
    }
}

fn fault_of(route: &RouteFile, file: &ResourceFile, place: Option<&HttpPlace>) -> Option<String> {
    if place.is_some_and(|place| !place.has_text(&route.path)) {
        return Some("`path` is not below the path of `resource`".to_owned());
    }
    let known = |scope: &String| file.scopes.iter().any(|one| one.name == *scope);
    if let Some(scope) = route.scope.as_ref().filter(|scope| !known(scope)) {
        return Some(format!(
            "`scope`: `{}` is no member of `scopes`",
            short(scope)
        ));
    }
    let types = &file.authorization_details_types;
    let named = |action: &String| file.actions.contains_key(action) || types.contains(action);
    let action = route.action.as_ref().filter(|action| !named(action))?;
    Some(format!(
        "`action`: `{}` is no member of `actions` or `authorization_details_types`",
        short(action)
    ))
}

fn fault(route: &RouteFile, why: &str) -> String {
    format!(
        "`routes`: `{} {}`: {why}",
        short(&route.method),
        short(&route.path)
    )
}

fn short(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_wire::resource::ResourceUri;

    use super::super::{Faults, check_resource, resource};

    fn faults(changes: Value) -> String {
        let mut file = json!({
            "resource": "https://api.example/v1", "name": "Notes", "client_id": "proxy",
            "scopes": ["notes:read", "notes:write"], "authorization_details_types": ["calendar"],
            "actions": { "delete_note": { "scope": "notes:write", "says": { "en": "delete the note {/id}" } } },
        });
        for (member, value) in changes.as_object().unwrap() {
            file[member] = value.clone();
        }
        let file = match serde_json::from_value(file) {
            Ok(file) => file,
            Err(error) => return error.to_string(),
        };
        let issuer = ResourceUri::parse("https://as.example").unwrap();
        let read = resource(&file, &issuer).map(|_| ());
        match read.and_then(|()| check_resource(&file)) {
            Ok(()) => String::new(),
            Err(Faults(faults)) => faults.join("; "),
        }
    }

    fn with(routes: Value) -> String {
        faults(json!({ "routes": routes }))
    }

    #[test]
    fn each_route_is_a_method_a_path_and_what_covers_it() {
        let good = json!([
            { "method": "GET", "path": "/v1", "scope": "notes:read" },
            { "method": "GET", "path": "/v1/notes/*", "scope": "notes:read" },
            { "method": "DELETE", "path": "/v1/notes/{id}", "action": "delete_note" },
            { "method": "GET", "path": "/v1/calendars/{calendar}/**", "action": "calendar" },
            { "method": "PUT", "path": "/v1/files/**", "scope": "notes:write" },
            { "method": "PUT", "path": "/v1/files/", "scope": "notes:write" },
        ]);
        assert_eq!(with(good), "");
    }

    #[test]
    fn what_could_never_be_or_would_be_more_than_it_says_is_refused() {
        let one = |method: &str, path: &str| {
            with(json!([{ "method": method, "path": path, "scope": "notes:read" }]))
        };
        for (method, path, why) in [
            ("get", "/v1/notes", "capital letters"),
            ("*", "/v1/notes", "capital letters"),
            ("", "/v1/notes", "capital letters"),
            ("GET", "v1/notes", "begins with `/`"),
            ("GET", "/notes", "not below"),
            ("GET", "/v1notes", "not below"),
            ("GET", "/*/notes", "not below"),
            ("GET", "/**", "not below"),
            ("GET", "/v1/**/notes", "the last segment"),
            ("GET", "/v1/n*", "whole segments"),
            ("GET", "/v1/***", "whole segments"),
            ("GET", "/v1/notes/{id}", "argument of an `action`"),
            ("GET", "/v1/notes/{}", "each name once"),
            ("GET", "/v1/notes/{a-b}", "each name once"),
            ("GET", "/v1/notes/{id", "no path has"),
            ("GET", "/v1/a%20b", "percent-encoded"),
            ("GET", "/v1/../notes", "a dot"),
            ("GET", "/v1//notes", "two slashes"),
            ("GET", "/v1/a;b", "`;`"),
            ("GET", "/v1/notes?a=b", "no path has"),
        ] {
            let refused = one(method, path);
            assert!(refused.contains(why), "{method} {path}: {refused}");
        }
        for (route, why) in [
            (json!({ "scope": "notes:list" }), "no member of `scopes`"),
            (json!({ "action": "purge" }), "no member of `actions`"),
            (json!({}), "either `scope` or `action`"),
            (
                json!({ "scope": "notes:read", "action": "delete_note" }),
                "either",
            ),
            (json!({ "scopes": ["notes:read"] }), "unknown field"),
        ] {
            let mut route = route;
            route["method"] = json!("GET");
            route["path"] = json!("/v1/notes");
            let refused = with(json!([route]));
            assert!(refused.contains(why), "{route}: {refused}");
        }
        let twice = json!([{ "method": "GET", "path": "/v1/{a}/{a}", "action": "delete_note" }]);
        assert!(with(twice).contains("each name once"));
    }

    #[test]
    fn a_route_that_an_earlier_one_takes_is_refused() {
        for (first, second, is_hidden) in [
            ("/v1/*", "/v1/notes", true),
            ("/v1/*", "/v1/*", true),
            ("/v1/**", "/v1/notes/*", true),
            ("/v1/**", "/v1/**", true),
            ("/v1/notes", "/v1/notes", true),
            ("/v1/notes", "/v1/*", false),
            ("/v1/*", "/v1/**", false),
            ("/v1/*", "/v1/a/b", false),
            ("/v1/**", "/v1/", false),
            ("/v1/**", "/v1/a/", false),
            ("/v1/a/**", "/v1/b/c", false),
        ] {
            let route = |path| json!({ "method": "GET", "path": path, "scope": "notes:read" });
            let refused = with(json!([route(first), route(second)]));
            assert_eq!(
                refused.contains("never reached"),
                is_hidden,
                "{first} {second}: {refused}"
            );
            let mut other = route(second);
            other["method"] = json!("PUT");
            assert_eq!(with(json!([route(first), other])), "", "{first} {second}");
        }
    }

    #[test]
    fn a_resource_that_no_proxy_can_judge_has_no_routes() {
        let routes = json!([{ "method": "GET", "path": "/v1/notes", "scope": "notes:read" }]);
        let mut tools =
            json!({ "rm": { "scope": "notes:write", "ask": true, "says": { "en": "use rm" } } });
        tools["rm"]["definition_hash"] = json!("A".repeat(43));
        for (member, value, why) in [
            ("actions", tools, "writ gate"),
            ("client_id", Value::Null, "nobody can ask"),
            ("resource", json!("urn:notes"), "plain path"),
            ("resource", json!("https://api.example/a%20b"), "plain path"),
        ] {
            let refused = faults(json!({ "routes": routes, member: value }));
            assert!(refused.contains(why), "{member}: {refused}");
        }
        let many: Vec<Value> = (0..257)
            .map(|n| json!({ "method": "GET", "path": format!("/v1/{n}"), "scope": "notes:read" }))
            .collect();
        assert!(with(many.into()).contains("more than 256"));
    }
}
