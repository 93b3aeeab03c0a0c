//! What is special on the screen of a question that a resource server asks about one action of its caller: whose each word is, and
//! what follows the yes.

use super::sentence::{Part, Sentence, fill};
use super::{ClientView, Texts, plain};

/// A resource server saw an action of its caller, and asks about it.
#[derive(Clone, Debug)]
pub struct ThroughView {
    /// As it is registered.
    pub resource: String,
    /// Names of the members that it looked up itself; what else is in the object the caller wrote.
    pub resolved: Vec<String>,
    pub retry: RetryView,
}

/// What follows the yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryView {
    /// The resource server waits for it.
    Waits,
    /// The caller has to call again.
    CallsAgain,
}

impl ThroughView {
    /// Who wants what, through whom.
    pub(super) fn heading(
        &self,
        client: &ClientView,
        acts: impl Iterator<Item = Sentence>,
        texts: &Texts,
    ) -> Sentence {
        let (name, resource) = (client.shown_name(texts), plain(&self.resource));
        let values = [("name", &*name), ("resource", &*resource)];
        let mut heading = fill(&texts.approval.heading_through, &values);
        for act in acts {
            heading.parts.push(Part::Words(" ".to_owned()));
            heading.parts.extend(act.parts);
        }
        heading
    }

    /// Whose words the values of the action are.
    pub(super) fn whose_words(&self, client: &ClientView, texts: &Texts) -> Sentence {
        let text = &texts.approval;
        let (name, resource) = (client.shown_name(texts), plain(&self.resource));
        let members: Vec<String> = self.resolved.iter().map(|name| plain(name)).collect();
        let members = members.join(&text.list_separator);
        let values = [
            ("name", &*name),
            ("resource", &*resource),
            ("members", &*members),
        ];
        match self.resolved.is_empty() {
            true => fill(&text.whose_caller, &values),
            false => fill(&text.whose_both, &values),
        }
    }

    /// Where the caller has to call again, that it will.
    pub(super) fn retry(&self, client: &ClientView, texts: &Texts) -> Option<Sentence> {
        match self.retry {
            RetryView::Waits => None,
            RetryView::CallsAgain => {
                let name = client.shown_name(texts);
                Some(fill(&texts.approval.call_again, &[("name", &name)]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Texts;
    use crate::app_samples::through_approval;

    #[test]
    fn a_question_of_a_resource_says_whose_each_word_is() {
        let texts = Texts::load().unwrap();
        let canonical = through_approval().screen.canonical(&texts);
        let mut seen = Vec::new();
        for section in canonical["shown"].as_array().unwrap() {
            seen.push(section["heading"].as_str().unwrap());
            let lines = section["lines"].as_array().unwrap();
            seen.extend(lines.iter().map(|line| line.as_str().unwrap()));
        }
        let mut rest = seen.into_iter();
        for line in [
            "Travel planner, through Notes, wants to: Delete the note “Shopping list”, once",
            "Published by Acme Travel",
            "Delete the note “Shopping list”, once",
            "Notes looked up: title. All other details are in the words of Travel planner.",
            "Travel planner has to try once more, within two minutes of your yes. Only the same thing counts, and only once.",
            "Notes says",
            "“It was changed today.”",
            "We did not check these words.",
            "Asked by Notes",
        ] {
            assert!(rest.any(|seen| seen == line), "{line}\n{canonical:#}");
        }
    }
}
