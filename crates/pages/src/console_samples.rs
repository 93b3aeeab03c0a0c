//! The console as the tests draw it, and what its pages hold.

use http::StatusCode;
use writ_core::operator::OperatorRole;

use super::app_samples::{ago, ahead, person};
use super::page_tests::read;
use super::*;

fn home(role: OperatorRole) -> ConsoleHome {
    ConsoleHome {
        console: ConsoleView {
            csrf: "csrf-1".to_owned(),
            name: person().name,
            role,
            since: ago(600),
            until: ahead(28_200),
        },
    }
}

fn entrance(step: EntranceStep) -> ConsoleEntrance {
    ConsoleEntrance {
        csrf: "csrf-1".to_owned(),
        name: person().name,
        step,
    }
}

fn asked(problem: Option<EntranceProblem>) -> ConsoleEntrance {
    entrance(EntranceStep::Passkey {
        next: "/admin".to_owned(),
        problem,
    })
}

pub(super) fn console_pages(texts: &Texts) -> Vec<(&'static str, Page)> {
    let wrong = asked(Some(EntranceProblem::NotProven));
    vec![
        ("console-admin", home(OperatorRole::Admin).page(texts)),
        ("console-auditor", home(OperatorRole::Auditor).page(texts)),
        ("console-helpdesk", home(OperatorRole::Helpdesk).page(texts)),
        ("console-enter", asked(None).page(texts)),
        ("console-enter-wrong", wrong.page(texts)),
        (
            "console-no-passkey",
            entrance(EntranceStep::NoPasskey).page(texts),
        ),
        (
            "console-impossible",
            entrance(EntranceStep::Impossible).page(texts),
        ),
        (
            "console-not-operator",
            entrance(EntranceStep::NotOperator).page(texts),
        ),
    ]
}

#[test]
fn the_frame_says_whose_console_it_is_and_how_to_leave() {
    let texts = Texts::load().unwrap();
    let html = home(OperatorRole::Auditor).page(&texts).html;
    assert!(html.contains("Alice Ångström"), "{html}");
    assert!(html.contains("auditor"), "{html}");
    assert!(html.contains("action=\"/admin/leave\""), "{html}");
    assert!(read(&html).contains("You see everything and change nothing."));
}

#[test]
fn only_who_can_open_it_is_asked_for_a_passkey() {
    let texts = Texts::load().unwrap();
    let page = asked(None).page(&texts);
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("action=\"/admin/enter\""));
    for step in [
        EntranceStep::NoPasskey,
        EntranceStep::Impossible,
        EntranceStep::NotOperator,
    ] {
        let page = entrance(step.clone()).page(&texts);
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{step:?}");
        assert!(!page.html.contains("<form"), "{step:?}");
        assert!(!page.html.contains("<script"), "{step:?}");
    }
}
