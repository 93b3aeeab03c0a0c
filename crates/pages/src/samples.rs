//! Views as the tests draw them.

use super::app_samples::pieces;
use super::*;

pub(super) fn agent() -> ClientView {
    let agent = AgentView {
        publisher: "Acme Travel".to_owned(),
        publisher_verified: false,
        owner: "alice".to_owned(),
        sponsor: "bob".to_owned(),
    };
    ClientView {
        name: "Travel planner".to_owned(),
        client_id: "agt_planner".to_owned(),
        agent: Some(agent),
    }
}

pub(super) fn app() -> ClientView {
    ClientView {
        name: "Reports".to_owned(),
        client_id: "reports".to_owned(),
        agent: None,
    }
}

pub(super) fn login() -> Login {
    Login {
        csrf: "csrf-1".to_owned(),
        request: Some("req-1".to_owned()),
        next: None,
        client: Some(agent()),
        username: String::new(),
        problem: None,
        offers_password: true,
        offers_passkey: true,
        upstreams: Vec::new(),
    }
}

pub(super) fn consent() -> ConsentPage {
    let payment = DetailView {
        reference: "d0".to_owned(),
        sentence: pieces("Pay EUR [412.00] to “[KLM]”, once, for ticket “[AMS-OSL-2231]”"),
        limits: vec![
            pieces("From account ending [4417]"),
            pieces("Until [21 November 2026]"),
        ],
    };
    let calendar = DetailView {
        reference: "d1".to_owned(),
        sentence: pieces("Read your work calendar"),
        limits: Vec::new(),
    };
    let scope = ScopeView {
        value: "s0".to_owned(),
        resource_name: "Bank".to_owned(),
        scope: "accounts:read".to_owned(),
        words: ScopeWords::Name,
        asked: AskedEachTime::All,
    };
    ConsentPage {
        first: true,
        remembered_days: None,
        csrf: "csrf-1".to_owned(),
        request: "req-1".to_owned(),
        screen_hash: "hash-1".to_owned(),
        client: agent(),
        subject_name: "Alice Ångström".to_owned(),
        purpose: Some("Book the cheapest direct flight to Oslo for your meeting.".to_owned()),
        expires: "21 November 2026, 12:00 UTC".to_owned(),
        until: "today 12:00 UTC".to_owned(),
        details: vec![payment, calendar],
        scopes: vec![scope],
        identity: true,
        onward: OnwardView {
            agents: vec![AgentName {
                id: "agt_booker".to_owned(),
                name: Some("Booking helper".to_owned()),
            }],
            same_owner: false,
            depth: 2,
        },
        redirect_host: "planner.example".to_owned(),
        guest: None,
        problem: None,
    }
}

pub(super) fn task(id: &str, state: TaskStateView) -> TaskView {
    TaskView {
        id: id.to_owned(),
        purpose: Some("Book the cheapest direct flight to Oslo for your meeting.".to_owned()),
        sentences: vec![
            "Pay EUR 412.00 to KLM, once".to_owned(),
            "Read your calendar".to_owned(),
        ],
        scopes: vec![ScopeView {
            value: String::new(),
            resource_name: "Bank".to_owned(),
            scope: "accounts:read".to_owned(),
            words: ScopeWords::Name,
            asked: AskedEachTime::All,
        }],
        identity: true,
        opened: "21 November 2026, 11:00 UTC".to_owned(),
        expires: "21 November 2026, 12:00 UTC".to_owned(),
        state,
        holders: vec![
            HolderView {
                name: "Travel planner".to_owned(),
                level: 0,
                through: None,
                live: true,
            },
            HolderView {
                name: "Booking helper".to_owned(),
                level: 1,
                through: Some("Travel planner".to_owned()),
                live: true,
            },
        ],
    }
}

pub(super) fn failure() -> FailurePage {
    FailurePage {
        detail: Some("`redirect_uri` is not registered for `agt_planner`".to_owned()),
        error_code: Some("invalid_request".to_owned()),
        error_id: Some("err_7Qm2".to_owned()),
        ..FailurePage::new(FailureKind::UntrustedRequest)
    }
}
