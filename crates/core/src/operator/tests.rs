//! Who may do what, act by act. The expected table is written by hand here, and the page is compared with it.

use std::collections::BTreeSet;
use std::time::Duration;

use writ_wire::time::Timestamp;

use super::*;

/// What helpdesk does beyond reading, and to whom: nothing else.
const HELP: [OperatorAct; 8] = [
    OperatorAct::ResetPerson,
    OperatorAct::GiveResetCode,
    OperatorAct::EndSessions,
    OperatorAct::RemovePasskey,
    OperatorAct::MakePasskeyCode,
    OperatorAct::ForgetConsents,
    OperatorAct::StopTask,
    OperatorAct::StopAgentForPerson,
];

/// What is read of what people and agents did.
const RECORD: [OperatorAct; 7] = [
    OperatorAct::ListApprovals,
    OperatorAct::ListConsents,
    OperatorAct::ListDecisions,
    OperatorAct::ListEvents,
    OperatorAct::VerifyReceipt,
    OperatorAct::VerifyArchive,
    OperatorAct::ExplainToken,
];

fn reads(act: OperatorAct) -> bool {
    let text = act.as_str();
    text.starts_with("list ") || text.starts_with("show ") || RECORD.contains(&act)
}

#[test]
fn each_role_may_do_exactly_what_the_table_says() {
    let (admin, auditor, helpdesk) = (
        OperatorRole::Admin,
        OperatorRole::Auditor,
        OperatorRole::Helpdesk,
    );
    for act in OperatorAct::ALL.iter().copied() {
        for target in ActTarget::ALL {
            let what = format!("{} of {target:?}", act.as_str());
            assert_eq!(may(admin, act, target), Ok(()), "{what}");
            let read = match reads(act) {
                true => Ok(()),
                false => Err(OperatorRefusal::ChangesNothing),
            };
            assert_eq!(may(auditor, act, target), read, "{what}");
            let expected = match (HELP.contains(&act), target) {
                (true, ActTarget::Ordinary) => Ok(()),
                (true, ActTarget::Operator) => Err(OperatorRefusal::TargetIsOperator),
                (true, ActTarget::Approver) => Err(OperatorRefusal::TargetIsApprover),
                (false, _) if reads(act) && !RECORD.contains(&act) => Ok(()),
                (false, _) => Err(OperatorRefusal::OnlyAdmin),
            };
            assert_eq!(may(helpdesk, act, target), expected, "{what}");
        }
    }
}

/// What only reads or takes away needs no passkey over it; everything else does.
#[test]
fn what_gives_somebody_more_widens() {
    let begins = [
        "add ",
        "invite ",
        "register ",
        "widen ",
        "resume ",
        "enable ",
        "set ",
        "give ",
    ];
    for act in OperatorAct::ALL.iter().copied() {
        let text = act.as_str();
        if begins.iter().any(|begin| text.starts_with(begin)) {
            assert!(act.widens(), "{text}");
        }
        let takes = [
            "list ", "show ", "end ", "stop ", "suspend ", "disable ", "verify ",
        ];
        if takes.iter().any(|begin| text.starts_with(begin)) {
            assert!(!act.widens(), "{text}");
        }
        assert!(!(reads(act) && act.widens()), "{text}");
    }
    // Whoever has no passkey left is let in by less.
    assert!(OperatorAct::RemovePasskey.widens());
    assert!(OperatorAct::ChangeResource.widens());
}

#[test]
fn an_unknown_role_is_none() {
    for role in OperatorRole::ALL {
        assert_eq!(OperatorRole::parse(role.as_str()), Some(role));
    }
    for unknown in ["", "Admin", "admin ", "root", "none", "operator"] {
        assert_eq!(OperatorRole::parse(unknown), None, "{unknown}");
    }
    let shown = OperatorRole::ALL.into_iter();
    let shown: Vec<_> = shown.filter(|role| role.sees_account_secrets()).collect();
    assert_eq!(shown, [OperatorRole::Admin]);
}

#[test]
fn each_act_has_a_name_of_its_own() {
    let names: BTreeSet<_> = OperatorAct::ALL.iter().map(|act| act.as_str()).collect();
    assert_eq!(names.len(), OperatorAct::ALL.len());
}

/// docs/operators.md has one row for each act, with what each office may do and whether a passkey is asked for.
#[test]
fn the_page_of_operators_has_this_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operators.md");
    let page = std::fs::read_to_string(path).unwrap();
    let allowed = |role, act| match may(role, act, ActTarget::Ordinary) {
        Ok(()) => "yes",
        Err(_) => "no",
    };
    for act in OperatorAct::ALL.iter().copied() {
        let helps = act.kind() == ActKind::Help;
        let helpdesk = match helps {
            true => "of others",
            false => allowed(OperatorRole::Helpdesk, act),
        };
        let row = format!(
            "| {} | {} | {} | {helpdesk} | {} |",
            act.as_str(),
            allowed(OperatorRole::Admin, act),
            allowed(OperatorRole::Auditor, act),
            if act.widens() { "yes" } else { "no" },
        );
        assert!(page.lines().any(|line| line == row), "{row}");
    }
    let rows = page
        .lines()
        .filter(|line| line.ends_with("| yes |") || line.ends_with("| no |"));
    assert_eq!(rows.count(), OperatorAct::ALL.len());
}

#[test]
fn a_console_closes_after_a_quarter_of_an_hour_or_a_working_day() {
    let since = Timestamp::from_seconds(1_000_000);
    let at = |seconds| since.plus(Duration::from_secs(seconds));
    let console = |seen| ConsoleTimes {
        since,
        seen_at: at(seen),
    };
    assert!(console(0).is_open(at(899)));
    assert!(!console(0).is_open(at(900)));
    assert!(console(28_000).is_open(at(28_799)));
    assert!(!console(28_799).is_open(at(28_800)));
    assert_eq!(console(28_000).closes_at(), at(28_800));
    assert_eq!(console(600).closes_at(), at(1500));
    assert_eq!(
        (CONSOLE_IDLE.as_secs(), CONSOLE_LONGEST.as_secs()),
        (900, 28_800)
    );
}
