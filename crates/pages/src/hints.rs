//! What is unusual about a request, in one short sentence each.

use super::approval::{Hint, ScreenView};
use super::headline::in_fours;
use super::sentence::{Sentence, fill};
use super::{Texts, plain};

impl Hint {
    pub(super) fn said(&self, view: &ScreenView, texts: &Texts) -> Sentence {
        let text = &texts.approval.hint;
        match self {
            Self::FirstFromAgent => fill(&text.first_from_agent, &[]),
            Self::FirstPayee { payee } => match is_only_account(view, payee) {
                true => fill(&text.first_account, &[]),
                false => fill(&text.first_payee, &[("payee", &plain(payee))]),
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

/// Whether the payee is the account that stands right above, and nothing else is paid.
fn is_only_account(view: &ScreenView, payee: &str) -> bool {
    let [detail] = view.details.as_slice() else {
        return false;
    };
    let account = detail.headline.as_ref();
    let account = account.and_then(|headline| headline.account.as_deref());
    account.is_some_and(|account| in_fours(account) == in_fours(payee))
}
