//! Values with letters of both directions: the first letter does not choose the order in which they are displayed.

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
