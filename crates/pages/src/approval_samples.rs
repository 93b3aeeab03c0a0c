//! Approval screens as the tests draw them.

use serde_json::json;
use writ_authority::{Headline, HeadlineAmount};

use super::app_samples::{CALENDAR, PAYMENT, ago, ahead, now, person, pieces};
use super::samples::agent;
use super::*;

fn first_payee() -> Hint {
    Hint::FirstPayee {
        payee: "NL91ABNA0417164300".to_owned(),
    }
}

/// What a payment shows first.
pub(super) fn paying(amount: &str) -> Headline {
    Headline {
        does: "pay up to".to_owned(),
        amount: Some(HeadlineAmount {
            value: amount.to_owned(),
            unit: "EUR".to_owned(),
        }),
        payee: Some("KLM Royal Dutch Airlines".to_owned()),
        account: Some("NL91ABNA0417164300".to_owned()),
        object: None,
        letter: None,
        line: Vec::new(),
    }
}

pub(super) fn screen() -> ScreenView {
    ScreenView {
        id: "apr_1".to_owned(),
        now: now(),
        client: agent(),
        chain: Vec::new(),
        subject_name: "Alice Ångström".to_owned(),
        details: vec![ApprovalDetail {
            reference: "d0".to_owned(),
            title: "Payment".to_owned(),
            headline: Some(paying("412.00")),
            sentence: pieces(PAYMENT),
            limits: vec![
                pieces("Reference on the statement: “[AMS-OSL-2231]”"),
                pieces("At: [https://bank.example]"),
            ],
            values: Vec::new(),
            at: vec!["Acme Bank".to_owned()],
            known: None,
        }],
        scopes: Vec::new(),
        identity: false,
        ends_at: ahead(900),
        grants: GrantsView::OneUse,
        purpose: Some(PurposeView {
            words: Some("Book the cheapest direct flight to Oslo for your meeting.".to_owned()),
            task: "tsk_1".to_owned(),
            approved_at: ago(3600),
        }),
        hints: vec![first_payee()],
        binding_message: Some("Flight AMS-OSL, 24 November".to_owned()),
        reason: None,
        resource_words: None,
        through: None,
        user_code: None,
        browser: None,
        address: Some("203.0.113.7".to_owned()),
        asked_at: ago(28),
        expires_at: ahead(272),
        deciders: DecidersView {
            role: RoleView::Subject,
            need: 1,
            of: 1,
            agreed: Vec::new(),
        },
        authority: json!({ "authorization_details": [{ "type": "payment" }] }),
        narrowed: false,
    }
}

/// What most people see: one payment, a password.
pub(super) fn approval() -> ApprovalPage {
    ApprovalPage {
        person: person(),
        now: now(),
        screen: screen(),
        screen_hash: "hash-1".to_owned(),
        asks_number: false,
        level: LevelView::Password,
        narrowing: NarrowingView {
            parts: vec![part("d0", PAYMENT, Some("412.00"))],
            durations: vec![
                DurationView {
                    minutes: 5,
                    chosen: false,
                },
                DurationView {
                    minutes: 60,
                    chosen: false,
                },
            ],
        },
        report: ReportView::Agent,
        problem: None,
    }
}

fn part(reference: &str, sentence: &str, amount: Option<&str>) -> PartView {
    PartView {
        reference: reference.to_owned(),
        sentence: pieces(sentence),
        chosen: true,
        amount: amount.map(|amount| AmountView {
            most: amount.to_owned(),
            value: amount.to_owned(),
            unit: "EUR".to_owned(),
        }),
    }
}

/// Everything at once: a chain, several parts, a number, others who decide, a passkey.
pub(super) fn full_approval() -> ApprovalPage {
    let mut view = approval();
    let named = |id: &str, name: &str| AgentName {
        id: id.to_owned(),
        name: Some(name.to_owned()),
    };
    view.screen.chain = vec![
        named("agt_main", "Planner"),
        named("agt_booker", "Booking helper"),
    ];
    view.screen.details.push(ApprovalDetail {
        reference: "d1".to_owned(),
        title: "Calendar".to_owned(),
        headline: None,
        sentence: pieces(CALENDAR),
        limits: Vec::new(),
        values: Vec::new(),
        at: Vec::new(),
        known: None,
    });
    view.screen.scopes = samples::consent().scopes;
    view.screen.identity = true;
    view.screen.hints = every_hint();
    view.screen.reason = Some("The price rises at noon.".to_owned());
    view.screen.resource_words = Some(ResourceWords {
        name: "Acme Bank".to_owned(),
        words: "More than the daily limit.".to_owned(),
    });
    view.screen.deciders = DecidersView {
        role: RoleView::Sponsor,
        need: 2,
        of: 3,
        agreed: vec!["Bob".to_owned()],
    };
    view.asks_number = true;
    view.level = LevelView::Passkey {
        options: "{\"challenge\":\"AAAA\",\"rpId\":\"localhost\"}".to_owned(),
    };
    view.narrowing.parts.push(part("d1", CALENDAR, None));
    view.problem = Some(ApprovalProblem::NumberMissing);
    view
}

pub(super) fn every_hint() -> Vec<Hint> {
    vec![
        Hint::FirstFromAgent,
        first_payee(),
        Hint::MoreThanUsual {
            amount: "412.00".to_owned(),
            largest: "300.00".to_owned(),
            unit: "EUR".to_owned(),
        },
        Hint::DefinitionChanged,
        Hint::DefinitionUnknown,
        Hint::MoreThanAllowed {
            more: "19587.99".to_owned(),
            allowed: "412.00".to_owned(),
            unit: "EUR".to_owned(),
        },
        Hint::BeyondTask {
            what: vec!["Write notes".to_owned()],
        },
        Hint::CalledOtherwise {
            resource: "Notes".to_owned(),
            called: "Shopping list".to_owned(),
            found: "Tax documents 2026".to_owned(),
        },
        Hint::OneMore,
        Hint::MoreThanLeft {
            left: "12.00".to_owned(),
            budget: "50.00".to_owned(),
            unit: "EUR".to_owned(),
        },
        Hint::DeniedBefore,
    ]
}

/// What remains after "approve less".
pub(super) fn narrowed_approval() -> ApprovalPage {
    let mut view = full_approval();
    view.problem = None;
    view.screen.narrowed = true;
    view.screen.details.truncate(1);
    if let Some(part) = view.narrowing.parts.last_mut() {
        part.chosen = false;
    }
    if let Some(amount) = view.narrowing.parts[0].amount.as_mut() {
        amount.value = "300.00".to_owned();
    }
    view.narrowing.durations[0].chosen = true;
    view
}

/// A resource server asks about one action, and its caller has to call again.
pub(super) fn through_approval() -> ApprovalPage {
    let mut view = approval();
    view.screen.details[0].title = "delete_note".to_owned();
    view.screen.details[0].headline = None;
    view.screen.details[0].sentence = pieces("Delete the note “[Shopping list]”, once");
    view.screen.details[0].limits = vec![pieces("At: [https://notes.example]")];
    view.screen.binding_message = None;
    view.screen.hints = Vec::new();
    view.screen.address = None;
    view.screen.through = Some(ThroughView {
        resource: "Notes".to_owned(),
        resolved: vec!["title".to_owned()],
        retry: RetryView::CallsAgain,
    });
    view.screen.resource_words = Some(ResourceWords {
        name: "Notes".to_owned(),
        words: "It was changed today.".to_owned(),
    });
    view.narrowing = NarrowingView::default();
    view.report = ReportView::Resource {
        resource: "Notes".to_owned(),
    };
    view
}

/// A terminal that wants to be let in.
pub(super) fn device_approval() -> ApprovalPage {
    let mut view = approval();
    view.screen.client = samples::app();
    view.screen.user_code = Some("WDJB-MJHT".to_owned());
    view.screen.purpose = None;
    view.screen.binding_message = None;
    view.screen.hints = Vec::new();
    view.screen.grants = GrantsView::Task(OnwardView::default());
    view.level = LevelView::PasskeyMissing;
    view
}
