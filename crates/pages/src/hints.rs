//! What is unusual about a request, in one short sentence each.

use std::collections::BTreeSet;

use super::approval::{ApprovalDetail, Hint, ScreenView};
use super::headline::in_fours;
use super::sentence::{Sentence, fill};
use super::{Texts, plain};

/// What of it stands first: a line for each kind, which counts payees and amounts where they are several.
pub(super) fn warnings(view: &ScreenView, texts: &Texts) -> Vec<Sentence> {
    let text = &texts.approval.hint;
    let mut lines = Vec::new();
    let mut counted = BTreeSet::new();
    for hint in &view.hints {
        let several = match hint.counted() {
            Some(kind) => Some((kind, count(view, kind))).filter(|(_, count)| *count > 1),
            None => None,
        };
        match several {
            None => lines.push(hint.said(view, texts)),
            Some((kind, count)) if counted.insert(kind) => {
                let line = match kind {
                    Counted::Payees => &text.first_payees,
                    Counted::Amounts => &text.more_than_usual_several,
                };
                lines.push(fill(line, &[("count", &count.to_string())]));
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
    view.hints.iter().map(|one| one.said(view, texts)).collect()
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

    pub(super) fn said(&self, view: &ScreenView, texts: &Texts) -> Sentence {
        let text = &texts.approval.hint;
        match self {
            Self::FirstFromAgent => fill(&text.first_from_agent, &[]),
            Self::FirstPayee { payee } => match is_only_account(view, payee) {
                true => fill(&text.first_account, &[]),
                false => fill(&text.first_payee, &[("payee", &written(view, payee))]),
            },
            Self::MoreThanUsual {
                amount,
                largest,
                unit,
            } => {
                let (amount, largest) = (texts.amount(amount, unit), texts.amount(largest, unit));
                let values = [("amount", &*amount), ("largest", &*largest)];
                match view.details.len() {
                    1 => fill(&text.more_than_usual, &values),
                    _ => fill(&text.more_than_usual_of, &values),
                }
            }
            Self::MoreThanAllowed {
                more,
                allowed,
                unit,
            } => {
                let (more, allowed) = (texts.amount(more, unit), texts.amount(allowed, unit));
                let values = [("more", &*more), ("allowed", &*allowed)];
                fill(&text.more_than_allowed, &values)
            }
            Self::DefinitionChanged => fill(&text.definition_changed, &[]),
            Self::DefinitionUnknown => fill(&text.definition_unknown, &[]),
            Self::BeyondTask => fill(&text.beyond_task, &[]),
            Self::OneMore => fill(&text.one_more, &[]),
            Self::MoreThanLeft { left, budget, unit } => {
                let (left, budget) = (texts.amount(left, unit), texts.amount(budget, unit));
                let values = [("left", &*left), ("budget", &*budget)];
                fill(&text.more_than_left, &values)
            }
            Self::DeniedBefore => fill(&text.denied_before, &[]),
        }
    }
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
