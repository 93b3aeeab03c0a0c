//! `/app`: what waits for this person. It updates itself where scripts run, and says how to reload where they do not.

use askama::Template;
use http::StatusCode;
use writ_authority::Piece;
use writ_wire::time::Timestamp;

use super::approval::RoleView;
use super::around::{Around, Tab};
use super::screen::said;
use super::sentence::{Part, Sentence, fill};
use super::{ClientView, LONGEST_WORDS, Page, PersonView, Texts, clean, plain};

/// The requests that one person may decide now, oldest end first.
#[derive(Clone, Debug)]
pub struct Inbox {
    pub person: PersonView,
    pub now: Timestamp,
    pub requests: Vec<InboxEntry>,
    /// Whether agents wait since the person set another password by a link.
    pub paused_by_reset: bool,
}

#[derive(Clone, Debug)]
pub struct InboxEntry {
    /// The request: its page is `/app/requests/{id}`.
    pub id: String,
    pub client: ClientView,
    /// The resource server that asks, as it is registered, where one does.
    pub through: Option<String>,
    /// The sentence of each object that is asked for: [`writ_authority::TypeDefinition::pieces`].
    pub sentences: Vec<Vec<Piece>>,
    pub asked_at: Timestamp,
    pub expires_at: Timestamp,
    pub role: RoleView,
    /// On whose behalf; shown where it is somebody else.
    pub subject_name: String,
}

impl Inbox {
    pub fn page(&self, texts: &Texts) -> Page {
        let template = InboxTemplate {
            texts,
            title: texts.page_title(&texts.inbox.title),
            around: Around::of(&self.person, Tab::Requests, texts),
            lead: lead(self.requests.len(), texts),
            paused_by_reset: self.paused_by_reset,
            entries: self
                .requests
                .iter()
                .map(|entry| Entry::of(entry, self.now, texts))
                .collect(),
        };
        Page::rendered(&template, StatusCode::OK).with_scripts()
    }
}

fn lead(count: usize, texts: &Texts) -> Sentence {
    let text = match count {
        0 => &texts.inbox.none,
        1 => &texts.inbox.lead_one,
        _ => &texts.inbox.lead_many,
    };
    fill(text, &[("count", &count.to_string())])
}

/// The finished words of one request.
struct Entry<'a> {
    id: &'a str,
    agent_name: String,
    /// The publisher, and whether it was verified; absent for a plain client.
    publisher: Option<(String, bool)>,
    sentences: Vec<Sentence>,
    more: Option<Sentence>,
    other: Option<Sentence>,
    through: Option<Sentence>,
    left: Sentence,
    left_seconds: u64,
}

impl<'a> Entry<'a> {
    fn of(view: &'a InboxEntry, now: Timestamp, texts: &Texts) -> Self {
        let text = &texts.inbox;
        let left = now.until(view.expires_at);
        let all = view.sentences.len();
        let mut sentences: Vec<Sentence> = view
            .sentences
            .iter()
            .take(MOST_SENTENCES)
            .map(|one| said(one, texts))
            .collect();
        if sentences.is_empty() {
            sentences.push(fill(&text.no_words, &[]));
        }
        let more = all.saturating_sub(MOST_SENTENCES);
        let subject = plain(&view.subject_name);
        Self {
            id: &view.id,
            agent_name: view.client.shown_name(texts),
            publisher: view.client.agent.as_ref().map(|agent| {
                let name = clean(&agent.publisher, LONGEST_WORDS);
                (name, agent.publisher_verified)
            }),
            sentences,
            more: (more > 0).then(|| fill(&text.more, &[("count", &more.to_string())])),
            other: (view.role != RoleView::Subject)
                .then(|| fill(&text.other, &[("name", &subject)])),
            through: view
                .through
                .as_deref()
                .map(|resource| fill(&text.through, &[("resource", &plain(resource))])),
            left: fill(&text.left, &[("time", &texts.length(left))]),
            left_seconds: left.as_secs(),
        }
    }
}

/// The request's own page shows all of them.
const MOST_SENTENCES: usize = 2;

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    lead: Sentence,
    paused_by_reset: bool,
    entries: Vec<Entry<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_samples as samples;

    #[test]
    fn of_several_sentences_the_first_are_shown_and_the_others_counted() {
        let texts = Texts::load().unwrap();
        let mut view = samples::inbox().requests.remove(0);
        for (all, more) in [
            (1, None),
            (MOST_SENTENCES, None),
            (MOST_SENTENCES + 1, Some("1")),
        ] {
            let one = |place| samples::pieces(&format!("Sentence {place}"));
            view.sentences = (0..all).map(one).collect();
            let entry = Entry::of(&view, samples::now(), &texts);
            assert_eq!(entry.sentences.len(), all.min(MOST_SENTENCES));
            let counted = entry.more.map(|words| words.to_string());
            assert_eq!(counted.is_some(), more.is_some(), "{all}");
            assert!(
                counted
                    .unwrap_or_default()
                    .contains(more.unwrap_or_default()),
                "{all}"
            );
        }
    }
}
