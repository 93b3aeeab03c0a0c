//! Reads the form of a page that has the wanted button, as far as our own pages need it: no nesting, quoted attributes.

use std::collections::BTreeMap;

pub struct Form {
    pub action: String,
    pub posts: bool,
    pub fields: Vec<(String, String)>,
}

type Attributes = BTreeMap<String, String>;

/// The form with a button of this id or name; every box is ticked, the button is pressed.
pub fn with_button(page: &str, button: &str) -> Option<Form> {
    page.split("<form").skip(1).find_map(|part| {
        let (head, body) = part.split_once('>')?;
        let body = body.split("</form").next()?;
        let controls: Vec<(&str, Attributes)> = body.split('<').filter_map(control).collect();
        let pressed = controls.iter().find(|(tag, control)| {
            is_button(tag, control) && ["id", "name"].iter().any(|n| is(control, n, button))
        })?;
        let form = attributes(head);
        let others = controls
            .iter()
            .filter(|(tag, control)| !is_button(tag, control));
        Some(Form {
            action: form.get("action").cloned().unwrap_or_default(),
            posts: form
                .get("method")
                .is_some_and(|m| m.eq_ignore_ascii_case("post")),
            fields: others
                .chain([pressed])
                .filter_map(|(_, c)| field(c))
                .collect(),
        })
    })
}

fn control(tag: &str) -> Option<(&str, Attributes)> {
    let (inside, _) = tag.split_once('>')?;
    let end = inside.find(char::is_whitespace).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    ["input", "button", "select", "textarea"]
        .contains(&name)
        .then(|| (name, attributes(rest)))
}

fn is_button(tag: &str, control: &Attributes) -> bool {
    tag == "button" || is(control, "type", "submit")
}

fn is(control: &Attributes, name: &str, value: &str) -> bool {
    control.get(name).is_some_and(|found| found == value)
}

fn field(control: &Attributes) -> Option<(String, String)> {
    let name = control.get("name")?.clone();
    let empty = if is(control, "type", "checkbox") {
        "on"
    } else {
        ""
    };
    let value = control.get("value").map_or(empty, String::as_str);
    Some((name, value.to_owned()))
}

fn attributes(text: &str) -> Attributes {
    let mut found = Attributes::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace());
        let (name, tail) = rest.split_at(end.unwrap_or(rest.len()));
        let (value, tail) = value(tail.trim_start());
        found.insert(name.to_ascii_lowercase(), decoded(value));
        rest = tail.trim_start();
    }
    found
}

/// The value after `=`, if there is one, and what follows.
fn value(text: &str) -> (&str, &str) {
    let Some(text) = text.strip_prefix('=').map(str::trim_start) else {
        return ("", text);
    };
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn decoded(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(text.to_owned(), |text, (name, plain)| {
            text.replace(name, plain)
        })
}

#[test]
fn a_form_is_read_as_a_browser_submits_it() {
    let page = r#"<form action="/other"><button id=out>x</button></form>
        <form method="post" action="/consent?a=1&amp;b=2"><input type="hidden" name="csrf" value='q"&#38;'>
        <label><input type=checkbox name="grant" value="1" checked> One</label><input name="password" required>
        <button type="submit" name="decision" value="deny" id="consent-deny">No</button>
        <button type="submit" name="decision" value="approve" id="consent-approve">Yes</button></form>"#;
    let form = with_button(page, "consent-approve").unwrap();
    assert_eq!(form.action, "/consent?a=1&b=2");
    assert!(form.posts);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let expected = [
        ("csrf", "q\"&"),
        ("grant", "1"),
        ("password", ""),
        ("decision", "approve"),
    ];
    assert_eq!(fields, expected);
    assert!(with_button(page, "login-submit").is_none());
}
