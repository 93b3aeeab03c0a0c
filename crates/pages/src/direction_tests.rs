//! Pages that run from right to left; and values with letters of both directions: the first letter does not choose the order in which
//! they are displayed.

use super::app_samples as samples;
use super::*;

#[test]
fn two_values_of_both_directions_are_displayed_in_their_own_order() {
    let page = |value: &str| {
        let mut view = samples::full_approval();
        view.screen.details[0].limits = vec![vec![
            writ_authority::Piece::Value(value.to_owned()),
            writ_authority::Piece::Block(format!("“שורה↵\n{value}”")),
        ]];
        view.page(Languages::load().unwrap().of("en")).html
    };
    for both in ["abc אבג", "אבג abc"] {
        let html = page(both);
        assert!(
            html.contains(&format!("<bdi dir=\"ltr\">{both}</bdi>")),
            "{html}"
        );
        assert!(
            html.contains(&format!("<bdi dir=\"ltr\">{both}”</bdi>")),
            "{html}"
        );
        assert!(html.contains("<bdi>“שורה↵\n</bdi>"), "{html}");
    }
    assert!(page("אבג").contains("<bdi>אבג</bdi>"));
}

/// Where a line begins is a matter of the language: the stylesheet says "start" and "end" alone (CSS Logical Properties level 1).
#[test]
fn the_stylesheet_has_no_left_and_no_right() {
    let sided = |declaration: &str| {
        let (name, value) = declaration.split_once(':').unwrap_or_default();
        let (name, value) = (name.trim(), value.replace(", ", ","));
        let values: Vec<&str> = value.split_whitespace().collect();
        let named = |text: &str| text.contains("left") || text.contains("right");
        let is_property = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let names_side = name
            .split('-')
            .any(|part| part == "left" || part == "right");
        let unequal = match (name, values.as_slice()) {
            ("margin" | "padding" | "inset" | "border-width", [_, right, _, left]) => right != left,
            ("border-radius", [a, b, c, d]) => a != b || c != d,
            ("border-radius", [a, b, ..]) => a != b,
            ("float" | "clear" | "text-align" | "transform-origin", _) => named(&value),
            ("transform", _) => value.contains("translateX"),
            _ => false,
        };
        is_property && (names_side || unequal)
    };
    for (declaration, is_sided) in [
        ("margin-left: 1rem", true),
        ("left: 0", true),
        ("border-top-right-radius: 1rem", true),
        ("padding: 0 1rem 0 2rem", true),
        ("border-radius: 0 1rem 1rem 0", true),
        ("text-align: left", true),
        ("padding: 0 1rem 2rem 1rem", false),
        ("padding: 0 min(1rem, 4.5vw) 1rem", false),
        (".ask-left:hover", false),
        ("border-radius: 1rem 1rem 0 0", false),
        ("margin-inline-start: 1rem", false),
        ("text-align: center", false),
        ("--on-accent: #fff", false),
    ] {
        assert_eq!(sided(declaration), is_sided, "{declaration}");
    }
    let stylesheet = include_str!("../static/writ.css");
    let declarations = stylesheet.split([';', '{', '}']);
    let found: Vec<&str> = declarations.filter(|one| sided(one)).collect();
    assert_eq!(found, [""; 0]);
}
