//! Views of the phone's app as the tests draw them.

use std::time::Duration;

use writ_authority::{Level, Piece};
use writ_wire::time::Timestamp;

pub(super) use super::account_samples::settings;
pub(super) use super::approval_samples::*;
use super::samples::{agent, app, task};
use super::*;
use writ_core::history::{Sum, Total};
use writ_core::pause::PausedBecause;

pub(super) fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-22T11:58:10Z").unwrap()
}

pub(super) fn person() -> PersonView {
    PersonView {
        csrf: "csrf-1".to_owned(),
        name: "Alice Ångström".to_owned(),
        waiting: 2,
        has_zone: true,
    }
}

pub(super) fn ago(seconds: u64) -> Timestamp {
    now().minus(Duration::from_secs(seconds))
}

pub(super) fn ahead(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

/// As a type writes it: words outside, values in brackets.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let split = text.split_inclusive([']']).flat_map(|part| {
        let (words, value) = part.split_once('[').unwrap_or((part, ""));
        [
            Piece::Text(words.to_owned()),
            Piece::Value(value.trim_end_matches(']').to_owned()),
        ]
    });
    split.filter(|piece| !piece.as_str().is_empty()).collect()
}

pub(super) const PAYMENT: &str =
    "Pay up to [EUR] [412.00] to “[KLM Royal Dutch Airlines]” ([NL91 ABNA 0417 1643 00]), once";
pub(super) const CALENDAR: &str =
    "Read events in the calendar “[work]”; each time without asking again";

pub(super) fn inbox() -> Inbox {
    let entry = |id: &str, name: &str, sentence: &str, left: u64| InboxEntry {
        id: id.to_owned(),
        client: ClientView {
            name: name.to_owned(),
            ..agent()
        },
        through: None,
        sentences: vec![pieces(sentence)],
        asked_at: ago(30),
        expires_at: ahead(left),
        role: RoleView::Subject,
        subject_name: "Alice Ångström".to_owned(),
    };
    let mut second = entry("apr_2", "Invoice clerk", CALENDAR, 55);
    second.through = Some("Notes".to_owned());
    second.role = RoleView::Sponsor;
    second.subject_name = "Bob".to_owned();
    second.sentences = vec![pieces(CALENDAR), pieces(PAYMENT), pieces(CALENDAR)];
    Inbox {
        person: person(),
        now: now(),
        requests: vec![entry("apr_1", "Travel planner", PAYMENT, 272), second],
        paused_by_reset: true,
    }
}

pub(super) fn nothing_waits() -> Inbox {
    Inbox {
        person: PersonView {
            waiting: 0,
            ..person()
        },
        requests: Vec::new(),
        ..inbox()
    }
}

pub(super) fn receipt() -> ReceiptPage {
    let texts = Texts::load().unwrap();
    ReceiptPage {
        person: person(),
        id: "rcp_7Qm2".to_owned(),
        client: agent(),
        verdict: ReceiptVerdict::ApprovedLess,
        by: vec![VoteView {
            name: "Alice Ångström".to_owned(),
            role: RoleView::Subject,
            at: now(),
            level: Level::Passkey,
        }],
        shown: shown(&screen().canonical(&texts)),
        hash: "sha-256:n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg".to_owned(),
        used_at: None,
        became: None,
        report: None,
        task: Some("tsk_1".to_owned()),
        fresh: true,
        for_device: true,
    }
}

pub(super) fn over(how: HowOver) -> Over {
    Over {
        person: person(),
        request: (how == HowOver::Changed).then(|| "apr_1".to_owned()),
        agent_name: Some("Travel planner".to_owned()),
        how,
        receipt: Some("rcp_7Qm2".to_owned()),
    }
}

pub(super) fn every_end() -> Vec<HowOver> {
    let notes = || "Notes".to_owned();
    vec![
        HowOver::Approved,
        HowOver::Denied,
        HowOver::Stopped,
        HowOver::Reported(ReportView::Agent),
        HowOver::Expired,
        HowOver::DescribedAnew,
        HowOver::ByOther { approved: true },
        HowOver::ByOther { approved: false },
        HowOver::WaitsForOthers { agreed: 1, need: 2 },
        HowOver::NumberWrong,
        HowOver::Changed,
        HowOver::Unknown,
        HowOver::NotDone,
        HowOver::TakenBack,
        HowOver::Cancelled,
        HowOver::Reported(ReportView::Resource { resource: notes() }),
        HowOver::Reported(ReportView::ResourceAndAgent { resource: notes() }),
        HowOver::Reported(ReportView::Told),
        HowOver::EndedByReport { resource: notes() },
    ]
}

fn happened(kind: ActivityKind, seconds_ago: u64, what: Option<&str>) -> ActivityEntry {
    ActivityEntry {
        at: ago(seconds_ago),
        kind,
        agent: Some("Travel planner".to_owned()),
        through: None,
        by: None,
        did: None,
        what: what.map(str::to_owned),
        receipt: matches!(kind, ActivityKind::Approved | ActivityKind::Denied)
            .then(|| format!("rcp_{seconds_ago}")),
    }
}

pub(super) fn activity() -> Activity {
    let pay = Some("Pay up to EUR 412.00 to KLM, once");
    Activity {
        person: person(),
        now: now(),
        entries: vec![
            happened(ActivityKind::Approved, 60, pay),
            happened(ActivityKind::Asked, 90, pay),
            happened(ActivityKind::SignedInWithPasskey, 100, None),
            happened(ActivityKind::Used, 3000, Some("Bank")),
            happened(ActivityKind::HandedOver, 3100, Some("Booking helper")),
            happened(ActivityKind::Consented, 3600, None),
            happened(ActivityKind::SignInFailed, 90_000, None),
            happened(ActivityKind::Denied, 91_000, pay),
            happened(ActivityKind::NotMe, 92_000, pay),
            happened(ActivityKind::EndedByReport, 92_000, pay),
            happened(ActivityKind::Stopped, 93_000, None),
        ],
        older: Some("2026-11-20T10:00:00Z".to_owned()),
    }
}

fn planner() -> AgentEntry {
    let spending = SpendingView {
        sentence: "Pay hotels and trains".to_owned(),
        spent: "EUR 120.00".to_owned(),
        left: "EUR 380.00".to_owned(),
        percent_spent: 24,
    };
    let live = AgentTask {
        task: task("tsk_1", TaskStateView::Active),
        paused_because: None,
        can_resume: false,
        last_token: Some(ago(300)),
        spending: vec![spending],
    };
    AgentEntry {
        client: agent(),
        suspended: false,
        last_used: Some(ago(300)),
        until: Some(ahead(3 * 86_400)),
        through: Vec::new(),
        tasks: vec![live, paused_task(), ended_task()],
        totals: vec![Total {
            unit: "EUR".to_owned(),
            sum: Sum::Exact("824.00".to_owned()),
            decisions: 2,
        }],
        unfetched: vec![UnfetchedView {
            sentences: vec!["Pay up to EUR 12.00 to KLM, once".to_owned()],
            until: "22 November 2026, 13:05 CET".to_owned(),
        }],
        actions: vec![
            happened(ActivityKind::Used, 300, Some("Bank")),
            happened(ActivityKind::Asked, 900, Some("Pay to KLM, once")),
        ],
    }
}

fn paused_task() -> AgentTask {
    AgentTask {
        task: task("tsk_4", TaskStateView::Suspended),
        paused_because: Some(PausedBecause::Recovered),
        can_resume: false,
        last_token: None,
        spending: Vec::new(),
    }
}

fn ended_task() -> AgentTask {
    AgentTask {
        task: task("tsk_3", TaskStateView::Stopped),
        paused_because: None,
        ..paused_task()
    }
}

/// One that nothing was heard of for long.
fn clerk() -> AgentEntry {
    AgentEntry {
        client: ClientView {
            name: "Invoice clerk".to_owned(),
            client_id: "agt_clerk".to_owned(),
            ..agent()
        },
        suspended: true,
        last_used: None,
        until: None,
        through: Vec::new(),
        tasks: vec![ended_task()],
        totals: Vec::new(),
        unfetched: Vec::new(),
        actions: Vec::new(),
    }
}

pub(super) fn agents() -> Agents {
    let helper = AgentEntry {
        client: ClientView {
            name: "Booking helper".to_owned(),
            client_id: "agt_booker".to_owned(),
            ..agent()
        },
        suspended: false,
        through: vec!["Travel planner".to_owned()],
        ..clerk()
    };
    Agents {
        remembered: vec![RememberedView {
            client: app(),
            until: ahead(30 * 86_400),
        }],
        paused: vec![PausedView {
            client: app(),
            since: ago(86_400),
            because: Some(PausedBecause::WrongNumber),
        }],
        person: person(),
        now: now(),
        agents: vec![planner(), helper, clerk()],
        notice: Some(MineNotice::Stopped),
        undo: Some(UndoView {
            act: UndoAct::Stop("evt_1".to_owned()),
            client: agent(),
            step: UndoStep::Offered,
        }),
        more: Some("1789992800000000.tsk_1".to_owned()),
    }
}

/// Whoever tapped "Undo" proves who they are.
pub(super) fn undoing() -> Agents {
    let mut view = agents();
    view.undo = Some(UndoView {
        act: UndoAct::Stop("evt_1".to_owned()),
        client: agent(),
        step: UndoStep::Proof {
            with: UndoProofs::Either,
            problem: Some(UndoProblem::Password(SettingsProblem::PasswordWrong)),
        },
    });
    view.notice = None;
    view
}

pub(super) fn devices() -> Devices {
    Devices {
        person: person(),
        passkeys: vec![
            PasskeyView {
                id: "key-1".to_owned(),
                name: "Pixel 11".to_owned(),
                added: ago(900_000),
                used: Some(ago(60)),
                counts: true,
            },
            PasskeyView {
                id: "key-2".to_owned(),
                name: "Laptop".to_owned(),
                added: ago(100_000),
                used: None,
                counts: false,
            },
        ],
        notified: vec![NotifiedView {
            id: "push-1".to_owned(),
            name: "Pixel 11".to_owned(),
            added: ago(800_000),
        }],
        sessions: vec![
            SessionView {
                id: "ses-1".to_owned(),
                browser: Some("Chrome"),
                system: Some("Android"),
                address: Some("192.0.2.7".to_owned()),
                since: ago(600),
                proof: SessionProof::Passkey,
                current: true,
            },
            SessionView {
                id: "ses-2".to_owned(),
                browser: None,
                system: None,
                address: None,
                since: ago(9000),
                proof: SessionProof::Code,
                current: false,
            },
        ],
        push_key: Some("BJ-key".to_owned()),
        enrolment: Enrolment::Another,
        notice: Some(DevicesNotice::PasskeyAdded),
        problem: None,
    }
}

pub(super) fn device_code() -> DeviceCode {
    DeviceCode {
        person: person(),
        user_code: "WDJB-MJHT".to_owned(),
        problem: Some(DeviceCodeProblem::Wrong),
    }
}

/// Every page there is, by name.
pub(super) fn every_page(texts: &Texts) -> Vec<(String, Page)> {
    let mut pages = vec![
        ("login", samples::login().page(texts)),
        ("consent", samples::consent().page(texts)),
        ("failure", samples::failure().page(texts)),
        ("signed-out", Done::SignedOut { there: None }.page(texts)),
        ("inbox", inbox().page(texts)),
        ("inbox-empty", nothing_waits().page(texts)),
        ("approval", approval().page(texts)),
        ("approval-full", full_approval().page(texts)),
        ("approval-less", narrowed_approval().page(texts)),
        ("approval-device", device_approval().page(texts)),
        ("approval-through", through_approval().page(texts)),
        ("receipt", receipt().page(texts)),
        ("agents", agents().page(texts)),
        ("agents-undo", undoing().page(texts)),
        ("activity", activity().page(texts)),
        ("devices", devices().page(texts)),
        ("settings", settings().page(texts)),
        ("device-code", device_code().page(texts)),
        ("offline", installed::offline(texts)),
    ]
    .into_iter()
    .map(|(name, page)| (name.to_owned(), page))
    .collect::<Vec<_>>();
    pages.extend(account_samples::account_pages(texts));
    for (number, how) in every_end().into_iter().enumerate() {
        pages.push((format!("over-{number}"), over(how).page(texts)));
    }
    pages
}
