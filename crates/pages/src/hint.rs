//! What the server knows besides, in words.

use super::approval::Hint;
use super::sentence::{Sentence, fill};
use super::{Texts, plain};

impl Hint {
    pub(super) fn said(&self, texts: &Texts) -> Sentence {
        let text = &texts.approval.hint;
        match self {
            Self::FirstFromAgent => fill(&text.first_from_agent, &[]),
            Self::FirstPayee { payee } => fill(&text.first_payee, &[("payee", &plain(payee))]),
            Self::MoreThanUsual {
                amount,
                largest,
                unit,
            } => {
                let (amount, largest) = (texts.number(amount), texts.number(largest));
                let unit = plain(unit);
                let values = [
                    ("amount", &*amount),
                    ("largest", &*largest),
                    ("unit", &*unit),
                ];
                fill(&text.more_than_usual, &values)
            }
            Self::DefinitionChanged => fill(&text.definition_changed, &[]),
            Self::DefinitionUnknown => fill(&text.definition_unknown, &[]),
            Self::BeyondTask => fill(&text.beyond_task, &[]),
            Self::OneMore => fill(&text.one_more, &[]),
            Self::MoreThanLeft { left, budget, unit } => {
                let (left, budget) = (texts.number(left), texts.number(budget));
                let budget = format!("{budget} {}", plain(unit));
                let values = [("left", &*left), ("budget", budget.trim_end())];
                fill(&text.more_than_left, &values)
            }
            Self::DeniedBefore => fill(&text.denied_before, &[]),
        }
    }
}
