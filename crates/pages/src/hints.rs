//! What is unusual about a request, in one short sentence each.

use std::collections::BTreeSet;

use super::amount::in_fours;
use super::approval::{ApprovalDetail, Hint, RoleView, ScreenView};
use super::brief::{Brief, NAME, brief};
use super::sentence::{Sentence, fill};
use super::{Texts, plain};

/// What of it stands first: a line for each kind, which counts payees and amounts where they are several.
pub(super) fn warnings(view: &ScreenView, texts: &Texts, brief: &mut Brief) -> Vec<Sentence> {
    let name = match view.deciders.role {
        RoleView::Subject => String::new(),
        RoleView::Sponsor | RoleView::Designated => brief.name(&plain(&view.subject_name)),
    };
    let text = HintTexts::of(view, texts);
    let mut lines = Vec::new();
    let mut counted = BTreeSet::new();
    for hint in &view.hints {
        let several = match hint.counted() {
            Some(kind) => Some((kind, count(view, kind))).filter(|(_, count)| *count > 1),
            None => None,
        };
        match several {
            None => lines.push(hint.said(view, texts, &name)),
            Some((kind, count)) if counted.insert(kind) => {
                let line = match kind {
                    Counted::Payees => text.first_payees,
                    Counted::Amounts => text.more_than_usual_several,
                };
                let count = count.to_string();
                lines.push(fill(line, &[("count", &*count), ("name", &*name)]));
            }
            Some(_) => {}
        }
    }
    lines
}

/// Each of them, where [`warnings`] counts some.
pub(super) fn every_hint(view: &ScreenView, texts: &Texts) -> Vec<Sentence> {
    let counts = |kind| count(view, kind) > 1;
    if !counts(Counted::Payees) && !counts(Counted::Amounts) {
        return Vec::new();
    }
    let name = plain(&view.subject_name);
    let hints = view.hints.iter();
    hints.map(|one| one.said(view, texts, &name)).collect()
}

/// What is said of the person for whom it would be done: "you" only where they decide themselves.
macro_rules! of_the_person {
    ($($field:ident),* $(,)?) => {
        struct HintTexts<'a> { $($field: &'a str),* }

        impl<'a> HintTexts<'a> {
            fn of(view: &ScreenView, texts: &'a Texts) -> Self {
                let text = &texts.approval.hint;
                match view.deciders.role {
                    RoleView::Subject => Self { $($field: &text.$field),* },
                    RoleView::Sponsor | RoleView::Designated => Self { $($field: &text.other.$field),* },
                }
            }
        }
    };
}

of_the_person! {
    first_from_agent, first_from_app, first_account, first_payee, first_payees, more_than_usual, more_than_usual_of,
    more_than_usual_several, more_than_allowed, beyond_task, beyond_task_what, denied_before,
}

/// The kinds of which several objects of one request may each have one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Payees,
    Amounts,
}

fn count(view: &ScreenView, kind: Counted) -> usize {
    let hints = view.hints.iter();
    hints.filter(|hint| hint.counted() == Some(kind)).count()
}

impl Hint {
    const fn counted(&self) -> Option<Counted> {
        match self {
            Self::FirstPayee { .. } => Some(Counted::Payees),
            Self::MoreThanUsual { .. } => Some(Counted::Amounts),
            _ => None,
        }
    }

    /// `name` is the person's for whom it would be done.
    fn said(&self, view: &ScreenView, texts: &Texts, name: &str) -> Sentence {
        let (hint, text) = (&texts.approval.hint, HintTexts::of(view, texts));
        let name = ("name", name);
        match self {
            Self::FirstFromAgent => match view.client.agent {
                Some(_) => fill(text.first_from_agent, &[name]),
                None => fill(text.first_from_app, &[name]),
            },
            Self::FirstPayee { payee } => match is_only_account(view, payee) {
                true => fill(text.first_account, &[name]),
                false => fill(text.first_payee, &[("payee", &written(view, payee)), name]),
            },
            Self::MoreThanUsual {
                amount,
                largest,
                unit,
            } => {
                let (amount, largest) = (texts.amount(amount, unit), texts.amount(largest, unit));
                let values = [("amount", &*amount), ("largest", &*largest), name];
                match view.details.len() {
                    1 => fill(text.more_than_usual, &values),
                    _ => fill(text.more_than_usual_of, &values),
                }
            }
            Self::MoreThanAllowed {
                more,
                allowed,
                unit,
            } => {
                let (more, allowed) = (texts.amount(more, unit), texts.amount(allowed, unit));
                let values = [("more", &*more), ("allowed", &*allowed), name];
                fill(text.more_than_allowed, &values)
            }
            Self::DefinitionChanged => fill(&hint.definition_changed, &[]),
            Self::DefinitionUnknown => fill(&hint.definition_unknown, &[]),
            Self::CalledOtherwise {
                resource,
                called,
                found,
            } => called_otherwise(texts, resource, called, found),
            Self::BeyondTask { what } if what.is_empty() => fill(text.beyond_task, &[name]),
            Self::BeyondTask { what } => {
                let what = what.iter().map(|one| brief(&written(view, one), NAME));
                let what = what
                    .collect::<Vec<_>>()
                    .join(&texts.approval.list_separator);
                fill(text.beyond_task_what, &[("what", &*what), name])
            }
            Self::OneMore => fill(&hint.one_more, &[]),
            Self::MoreThanLeft { left, budget, unit } => {
                let (left, budget) = (texts.amount(left, unit), texts.amount(budget, unit));
                let values = [("left", &*left), ("budget", &*budget)];
                fill(&hint.more_than_left, &values)
            }
            Self::DeniedBefore => fill(text.denied_before, &[name]),
        }
    }
}

/// Both are others' words.
fn called_otherwise(texts: &Texts, resource: &str, called: &str, found: &str) -> Sentence {
    let quoted = |text: &str| {
        let text = brief(&writ_authority::legible(text), NAME);
        texts.quotation(&text).to_string()
    };
    let (called, found) = (quoted(called), quoted(found));
    let resource = brief(&plain(resource), NAME);
    let values = [
        ("called", &*called),
        ("found", &*found),
        ("resource", &*resource),
    ];
    fill(&texts.approval.hint.called_otherwise, &values)
}

/// As its account stands in the request, where it is one.
fn written(view: &ScreenView, payee: &str) -> String {
    match view.details.iter().any(|detail| is_account(detail, payee)) {
        true => in_fours(payee).unwrap_or_else(|| plain(payee)),
        false => plain(payee),
    }
}

/// Whether the payee is the account that stands right above, and nothing else is paid.
fn is_only_account(view: &ScreenView, payee: &str) -> bool {
    let [detail] = view.details.as_slice() else {
        return false;
    };
    is_account(detail, payee)
}

fn is_account(detail: &ApprovalDetail, payee: &str) -> bool {
    let headline = detail.headline.as_ref();
    headline.and_then(|headline| headline.account.as_deref()) == Some(payee)
}
