//! Patterns, and paths about which two programs may disagree.

use super::*;
use crate::registration::read_pattern;

fn table(routes: &[(&str, &str)]) -> RouteTable {
    let routes = routes
        .iter()
        .enumerate()
        .map(|(place, (method, path))| Route {
            method: (*method).to_owned(),
            pattern: read_pattern(path).unwrap(),
            rule: RouteRule::Scope(place.to_string()),
        });
    RouteTable {
        place: None,
        routes: routes.collect(),
    }
}

/// The place of the route in the table, and its arguments as text.
fn found(table: &RouteTable, method: &str, path: &str) -> Option<(String, String)> {
    let path = PlainPath::parse(path).unwrap();
    let found = table.find(method, path)?;
    let RouteRule::Scope(place) = found.rule else {
        unreachable!()
    };
    Some((place.clone(), Value::Object(found.arguments).to_string()))
}

#[test]
fn a_pattern_is_matched_by_whole_segments() {
    for (pattern, path, arguments) in [
        ("/", "/", Some("{}")),
        ("/", "/notes", None),
        ("/notes", "/notes", Some("{}")),
        ("/notes", "/notes/", None),
        ("/notes", "/notesx", None),
        ("/notes", "/Notes", None),
        ("/notes", "/", None),
        ("/notes/", "/notes/", Some("{}")),
        ("/notes/", "/notes", None),
        ("/notes/", "/notes/7", None),
        ("/notes/*", "/notes/7", Some("{}")),
        ("/notes/*", "/notes/", None),
        ("/notes/*", "/notes/7/", None),
        ("/notes/*", "/notes/7/pages", None),
        ("/notes/*/", "/notes/7/", Some("{}")),
        ("/notes/*/", "/notes/7", None),
        ("/notes/{id}", "/notes/7", Some(r#"{"id":"7"}"#)),
        (
            "/notes/{id}/pages/{page}",
            "/notes/7/pages/a+b",
            Some(r#"{"id":"7","page":"a+b"}"#),
        ),
        ("/notes/{id}/pages", "/notes/7/pages/1", None),
        ("/files/**", "/files/a", Some("{}")),
        ("/files/**", "/files/a/b", Some("{}")),
        ("/files/**", "/files", None),
        ("/files/**", "/files/", None),
        ("/files/**", "/files/a/", None),
        ("/files/**", "/other/a", None),
        ("/files/{id}/**", "/files/7/a/b", Some(r#"{"id":"7"}"#)),
        ("/files/{id}/**", "/files/7", None),
        ("/**", "/a", Some("{}")),
        ("/**", "/", None),
    ] {
        let table = table(&[("GET", pattern)]);
        let found = found(&table, "GET", path).map(|(_, arguments)| arguments);
        assert_eq!(found.as_deref(), arguments, "{pattern} {path}");
    }
}

#[test]
fn the_first_route_of_the_method_counts() {
    let table = table(&[
        ("GET", "/notes/*"),
        ("DELETE", "/notes/drafts"),
        ("DELETE", "/notes/**"),
    ]);
    let place = |method, path| found(&table, method, path).map(|(place, _)| place);
    assert_eq!(place("GET", "/notes/drafts").as_deref(), Some("0"));
    assert_eq!(place("DELETE", "/notes/drafts").as_deref(), Some("1"));
    assert_eq!(place("DELETE", "/notes/7").as_deref(), Some("2"));
    assert_eq!(place("POST", "/notes/7"), None);
    assert_eq!(place("get", "/notes/7"), None);
    assert_eq!(place("HEAD", "/notes/7"), None);
}

#[test]
fn a_path_that_two_programs_may_read_differently_is_none() {
    for good in [
        "/",
        "/a",
        "/a/",
        "/a.b/~c",
        "/.well-known/x",
        "/a*b/!$&'()+,=:@",
    ] {
        assert!(PlainPath::of_uri(good).is_ok(), "{good}");
    }
    for query in ["/a?", "/a?b=%2e%2e/&c=;//", "/a?b?c"] {
        let path = PlainPath::of_uri(query).unwrap();
        assert_eq!(path.as_str(), "/a", "{query}");
    }
    for (bad, why) in [
        ("", PlainPathError::NotAPath),
        ("a", PlainPathError::NotAPath),
        ("*", PlainPathError::NotAPath),
        ("http://notes.example/a", PlainPathError::NotAPath),
        ("?a", PlainPathError::NotAPath),
        ("/%61", PlainPathError::Encoded),
        ("/a%2fb", PlainPathError::Encoded),
        ("/a%2F..%2Fb", PlainPathError::Encoded),
        ("/%", PlainPathError::Encoded),
        ("/a;b=c/d", PlainPathError::Semicolon),
        ("/a;", PlainPathError::Semicolon),
        ("//a", PlainPathError::EmptySegment),
        ("/a//b", PlainPathError::EmptySegment),
        ("/a//", PlainPathError::EmptySegment),
        ("/.", PlainPathError::Dot),
        ("/..", PlainPathError::Dot),
        ("/a/./b", PlainPathError::Dot),
        ("/a/../b", PlainPathError::Dot),
        ("/a/...", PlainPathError::Dot),
        ("/a./b", PlainPathError::Dot),
        ("/a\\b", PlainPathError::Character),
        ("/a b", PlainPathError::Character),
        ("/a\tb", PlainPathError::Character),
        ("/ä", PlainPathError::Character),
        ("/a#b", PlainPathError::Character),
        ("/a?b#c", PlainPathError::Character),
        ("/a?b c", PlainPathError::Character),
        ("/a\0", PlainPathError::Character),
        ("/{id}", PlainPathError::Character),
        ("/a|b", PlainPathError::Character),
    ] {
        assert_eq!(PlainPath::of_uri(bad), Err(why), "{bad}");
    }
    let long = format!("/{}", "a".repeat(2048));
    assert_eq!(PlainPath::parse(&long), Err(PlainPathError::NotAPath));
}

#[test]
fn methods_are_capital_letters() {
    for good in ["GET", "DELETE", "M-SEARCH"] {
        assert!(plain_method(good), "{good}");
    }
    for bad in [
        "",
        "get",
        "Get",
        "GET ",
        "G\u{c9}T",
        "GET,POST",
        &"A".repeat(33),
    ] {
        assert!(!plain_method(bad), "{bad}");
    }
}

#[test]
fn an_origin_is_a_scheme_a_host_and_a_port() {
    for (text, expected) in [
        ("https://notes.example", Some("https://notes.example")),
        ("https://notes.example/", Some("https://notes.example")),
        ("HTTPS://Notes.Example:443", Some("https://notes.example")),
        ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
        ("https://notes.example/notes", None),
        ("https://notes.example?", None),
        ("https://notes.example#", None),
        ("https://a@notes.example", None),
        ("ftp://notes.example", None),
        ("notes.example", None),
        ("//notes.example", None),
        ("null", None),
        ("", None),
    ] {
        assert_eq!(origin(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_place_holds_whole_segments_below_it() {
    let holds = |uri: &str, path: &str| {
        let place = HttpPlace::of(uri).unwrap();
        place.holds("https://a.example", PlainPath::parse(path).unwrap())
    };
    for (uri, path, expected) in [
        ("https://a.example", "/", true),
        ("https://a.example", "/notes", true),
        ("https://a.example/notes", "/notes", true),
        ("https://a.example/notes", "/notes/7", true),
        ("https://a.example/notes", "/notesx", false),
        ("https://a.example/notes", "/", false),
        ("https://a.example/notes/", "/notes/7", true),
        ("https://a.example/notes/", "/notes", false),
        ("https://a.example:443/a/../notes", "/notes", true),
        ("http://a.example", "/", false),
        ("https://a.example:8443", "/", false),
        ("https://b.example", "/", false),
    ] {
        assert_eq!(holds(uri, path), expected, "{uri} {path}");
    }
    for none in [
        "urn:notes",
        "https://a.example/a%2fb",
        "https://a.example/?a",
        "https://a.example/a;b",
    ] {
        assert_eq!(HttpPlace::of(none), None, "{none}");
    }
}
