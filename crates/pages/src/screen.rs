//! The words of the approval screen, from top to bottom. The page and the canonical form that a device signs are both written
//! from it, so that what is signed is what is seen.

use serde_json::{Value, json};
use writ_authority::Piece;
use writ_wire::time::Timestamp;

use super::approval::{
    ApprovalDetail, DecidersView, GrantsView, PurposeView, ResourceWords, RoleView, ScreenView,
};
use super::headline::Head;
use super::hints::every_hint;
use super::receipt::ShownSection;
use super::scope::scope_sentence;
use super::sentence::{Part, Sentence, fill};
use super::{ClientView, LONGEST_WORDS, Texts, clean, legible, legible_block, plain};

/// The finished words.
pub(super) struct Screen<'a> {
    /// What decides; all else is folded below it.
    pub(super) head: Head<'a>,
    pub(super) heading: Sentence,
    pub(super) publisher: Sentence,
    /// Owner, chain, for whom.
    pub(super) who: Vec<Sentence>,
    /// Of the device that asks.
    pub(super) code: Option<String>,
    /// Each thing that is unusual, where the first screen counts several.
    pub(super) unusual: Vec<Sentence>,
    pub(super) acts: Vec<ActWords>,
    pub(super) limits: Vec<Sentence>,
    pub(super) purpose: Sentence,
    /// In which words it was approved before, and the path of that task.
    pub(super) task: Option<(Option<Sentence>, String)>,
    /// Who says so, what the resource server says, and how far that is known.
    pub(super) resource: Option<(Sentence, Sentence, &'a str)>,
    pub(super) words_label: &'a str,
    pub(super) words: Vec<Sentence>,
    pub(super) facts: Vec<(&'a str, String)>,
    pub(super) deciders: Vec<Sentence>,
}

/// One thing that it wants to do.
pub(super) struct ActWords {
    pub(super) title: Option<String>,
    pub(super) sentence: Sentence,
    pub(super) limits: Vec<Sentence>,
}

impl ScreenView {
    /// Exactly what is shown, in the order of the page, and what a yes grants. Its RFC 8785 form is hashed, signed and kept;
    /// [`super::shown`] reads it back.
    pub fn canonical(&self, texts: &Texts) -> Value {
        json!({
            "version": 1,
            "request": self.id,
            "language": texts.locale(),
            "time_zone": texts.zone(),
            "client": self.client.client_id,
            "authority": self.authority,
            "ends_at": self.ends_at.rfc3339(),
            "expires_at": self.expires_at.rfc3339(),
            "shown": Screen::of(self, texts).sections(texts),
        })
    }
}

impl<'a> Screen<'a> {
    pub(super) fn of(view: &ScreenView, texts: &'a Texts) -> Self {
        let text = &texts.approval;
        let agent = view.client.agent.as_ref();
        Self {
            head: Head::of(view, texts),
            heading: heading(view, texts),
            publisher: publisher(&view.client, texts),
            who: who(view, texts),
            code: view.user_code.as_deref().map(plain),
            unusual: every_hint(view, texts),
            acts: acts(view, texts),
            limits: limits(view, texts),
            purpose: purpose(view, texts),
            task: view.purpose.as_ref().map(|purpose| task(purpose, texts)),
            resource: view
                .resource_words
                .as_ref()
                .map(|said| resource(view, said, texts)),
            words_label: match agent {
                Some(_) => &text.words_agent,
                None => &text.words_client,
            },
            words: words(view, texts),
            facts: facts(view, texts),
            deciders: deciders(&view.deciders, texts),
        }
    }

    /// Heading and lines of each part, as they stand on the page.
    fn sections(&self, texts: &Texts) -> Vec<ShownSection> {
        let text = &texts.approval;
        let mut sections = self.head.sections();
        if let Some(code) = &self.code {
            let lines = vec![code.clone(), text.code_hint.clone()];
            sections.push(section(&text.code, lines));
        }
        sections.push(section(&text.details, self.lines_of_who()));
        if !self.unusual.is_empty() {
            sections.push(section(&text.unusual, written(&self.unusual)));
        }
        sections.push(section(&text.what, self.lines_of_what()));
        sections.push(section(&text.limits, written(&self.limits)));
        sections.push(section(&text.why, self.lines_of_why(texts)));
        if let Some((label, quotation, hint)) = &self.resource {
            let lines = vec![quotation.to_string(), (*hint).to_owned()];
            sections.push(section(&label.to_string(), lines));
        }
        if !self.words.is_empty() {
            let mut lines = written(&self.words);
            lines.push(text.words_hint.clone());
            sections.push(section(self.words_label, lines));
        }
        let facts = self.facts.iter();
        let facts = facts.map(|(name, fact)| format!("{name} {fact}"));
        sections.push(section(&text.origin, facts.collect()));
        sections.push(section(&text.deciders, written(&self.deciders)));
        sections
    }

    fn lines_of_who(&self) -> Vec<String> {
        let mut lines = vec![self.heading.to_string(), self.publisher.to_string()];
        lines.extend(written(&self.who));
        lines
    }

    fn lines_of_what(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for act in &self.acts {
            lines.extend(act.title.clone());
            lines.push(act.sentence.to_string());
            lines.extend(written(&act.limits));
        }
        lines
    }

    fn lines_of_why(&self, texts: &Texts) -> Vec<String> {
        let mut lines = vec![self.purpose.to_string()];
        if let Some((quotation, _)) = &self.task {
            lines.extend(quotation.as_ref().map(Sentence::to_string));
            lines.push(texts.approval.task.clone());
        }
        lines
    }
}

/// Words of the type and values of the request, kept apart for the page. Times are those of the reader's clock.
pub(super) fn said(pieces: &[Piece], texts: &Texts) -> Sentence {
    said_by(pieces, |at| texts.moment(at))
}

/// The same as people say it now: "tomorrow 08:04".
pub(super) fn said_now(pieces: &[Piece], texts: &Texts, now: Timestamp) -> Sentence {
    said_by(pieces, |at| texts.when(at, now))
}

fn said_by(pieces: &[Piece], time: impl Fn(Timestamp) -> String) -> Sentence {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => Part::Words(text.clone()),
        // As it is granted: what could not be seen was refused when it was asked.
        Piece::Value(value) => Part::Value(legible(value)),
        Piece::Block(text) => Part::Block(legible_block(text)),
        Piece::Time { at, written } => {
            let minute = Timestamp::from_rfc3339(at).filter(|at| at.is_whole_minute());
            Part::Value(minute.map_or_else(|| legible(written), &time))
        }
    });
    Sentence {
        parts: parts.collect(),
    }
}

fn section(heading: &str, lines: Vec<String>) -> ShownSection {
    ShownSection {
        heading: heading.to_owned(),
        lines,
    }
}

fn written(sentences: &[Sentence]) -> Vec<String> {
    sentences.iter().map(Sentence::to_string).collect()
}

/// Who asks; where a resource server asks about one action, that action is the heading.
fn heading(view: &ScreenView, texts: &Texts) -> Sentence {
    let client = &view.client;
    if let Some(through) = &view.through {
        let details = view.details.iter();
        return through.heading(
            client,
            details.map(|detail| said(&detail.sentence, texts)),
            texts,
        );
    }
    let text = match client.agent {
        Some(_) => &texts.approval.heading_agent,
        None => &texts.approval.heading_client,
    };
    fill(text, &[("name", &client.shown_name(texts))])
}

fn publisher(client: &ClientView, texts: &Texts) -> Sentence {
    match &client.agent {
        Some(agent) => {
            let name = clean(&agent.publisher, LONGEST_WORDS);
            fill(&texts.approval.publisher, &[("name", &name)])
        }
        None => fill(&texts.approval.publisher_unknown, &[]),
    }
}

fn who(view: &ScreenView, texts: &Texts) -> Vec<Sentence> {
    let text = &texts.approval;
    let owner = view.client.agent.as_ref().map(|agent| {
        let (owner, sponsor) = (plain(&agent.owner), plain(&agent.sponsor));
        fill(&text.owner, &[("name", &owner), ("sponsor", &sponsor)])
    });
    let subject = match view.deciders.role {
        RoleView::Subject => &text.for_you,
        RoleView::Sponsor | RoleView::Designated => &text.for_other,
    };
    let mut who: Vec<Sentence> = owner.into_iter().collect();
    who.extend(chain(view, texts));
    who.push(fill(subject, &[("name", &plain(&view.subject_name))]));
    who
}

fn chain(view: &ScreenView, texts: &Texts) -> Option<Sentence> {
    let (first, between) = view.chain.split_first()?;
    let mut rest: Vec<String> = between.iter().map(|agent| agent.shown(texts)).collect();
    rest.push(view.client.shown_name(texts));
    let rest = rest.join(&texts.approval.chain_separator);
    let values = [("first", first.shown(texts)), ("rest", rest)];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    Some(fill(&texts.approval.chain, &values))
}

fn acts(view: &ScreenView, texts: &Texts) -> Vec<ActWords> {
    let alone = |sentence| ActWords {
        title: None,
        sentence,
        limits: Vec::new(),
    };
    let details = view.details.iter();
    let mut acts: Vec<ActWords> = details.map(|detail| act(view, detail, texts)).collect();
    let scopes = view.scopes.iter();
    acts.extend(scopes.map(|scope| alone(scope_sentence(scope, texts))));
    if view.identity {
        let account = plain(&view.subject_name);
        acts.push(alone(fill(&texts.consent.identity, &[("name", &account)])));
    }
    if acts.is_empty() {
        acts.push(alone(fill(&texts.approval.nothing, &[])));
    }
    acts
}

fn act(view: &ScreenView, detail: &ApprovalDetail, texts: &Texts) -> ActWords {
    let limits = detail.limits.iter().map(|limit| said(limit, texts));
    let whose = view.through.iter();
    let whose = whose.map(|through| through.whose_words(&view.client, texts));
    ActWords {
        title: Some(plain(&detail.title)),
        sentence: said(&detail.sentence, texts),
        limits: limits.chain(whose).collect(),
    }
}

fn limits(view: &ScreenView, texts: &Texts) -> Vec<Sentence> {
    let text = &texts.approval;
    let until = texts.moment(view.ends_at);
    let until = [("until", until.as_str())];
    let mut limits = match &view.grants {
        GrantsView::OneUse => vec![fill(&text.one_use, &until), fill(&text.one_use_onward, &[])],
        GrantsView::Task(onward) => {
            let mut limits = vec![fill(&text.new_task, &until)];
            if view.client.agent.is_some() {
                limits.extend(super::onward::onward(onward, texts));
            }
            limits
        }
    };
    let through = view.through.as_ref();
    limits.extend(through.and_then(|through| through.retry(&view.client, texts)));
    limits.push(fill(&text.nothing_else, &[]));
    limits
}

fn purpose(view: &ScreenView, texts: &Texts) -> Sentence {
    let text = &texts.approval;
    let Some(purpose) = &view.purpose else {
        return fill(&text.no_purpose, &[]);
    };
    let at = texts.moment(purpose.approved_at);
    match view.deciders.role {
        RoleView::Subject => fill(&text.purpose, &[("at", &at)]),
        RoleView::Sponsor | RoleView::Designated => {
            let name = plain(&view.subject_name);
            fill(&text.purpose_other, &[("at", &at), ("name", &name)])
        }
    }
}

fn task(purpose: &PurposeView, texts: &Texts) -> (Option<Sentence>, String) {
    let path = format!("/app/agents#task-{}", purpose.task);
    let words = purpose.words.as_deref();
    (words.map(|words| quotation(words, texts)), path)
}

fn resource<'a>(
    view: &ScreenView,
    said: &ResourceWords,
    texts: &'a Texts,
) -> (Sentence, Sentence, &'a str) {
    let text = &texts.approval;
    let (label, hint) = match view.through {
        Some(_) => (&text.words_through, &text.words_hint),
        None => (&text.words_resource, &text.words_resource_hint),
    };
    let label = fill(label, &[("name", &plain(&said.name))]);
    (label, quotation(&said.words, texts), hint)
}

fn words(view: &ScreenView, texts: &Texts) -> Vec<Sentence> {
    let all = [&view.binding_message, &view.reason];
    let said = all.into_iter().flatten();
    let said = said.map(|words| clean(words, LONGEST_WORDS));
    said.filter(|words| !words.is_empty())
        .map(|words| quotation(&words, texts))
        .collect()
}

fn quotation(words: &str, texts: &Texts) -> Sentence {
    texts.quotation(&clean(words, LONGEST_WORDS))
}

fn facts<'a>(view: &ScreenView, texts: &'a Texts) -> Vec<(&'a str, String)> {
    let text = &texts.approval;
    let address = view.address.as_deref().map(plain);
    let from = match &view.through {
        // Its request, and not its caller's, is the question: the address of that is not known here.
        Some(through) => (&*text.asked_by, plain(&through.resource)),
        None => (
            &*text.address,
            address.unwrap_or_else(|| text.address_unknown.clone()),
        ),
    };
    let browser = view.browser.as_ref();
    let browser = browser.map(|browser| (&*text.browser, browser.named(texts)));
    let rest = [
        (&*text.asked, texts.moment(view.asked_at)),
        (&*text.answer_by, texts.moment(view.expires_at)),
        (&*texts.consent.identifier, plain(&view.client.client_id)),
    ];
    browser.into_iter().chain([from]).chain(rest).collect()
}

fn deciders(view: &DecidersView, texts: &Texts) -> Vec<Sentence> {
    let text = &texts.approval;
    let role = match view.role {
        RoleView::Subject => &text.role_subject,
        RoleView::Sponsor => &text.role_sponsor,
        RoleView::Designated => &text.role_designated,
    };
    let (need, of) = (view.need.to_string(), view.of.to_string());
    let how_many = if view.of <= 1 {
        fill(&text.alone, &[])
    } else {
        fill(&text.several, &[("need", &need), ("of", &of)])
    };
    let mut lines = vec![fill(role, &[]), how_many];
    if !view.agreed.is_empty() {
        let names: Vec<String> = view.agreed.iter().map(|name| plain(name)).collect();
        let names = names.join(&text.list_separator);
        lines.push(fill(&text.agreed, &[("names", &names)]));
    }
    lines
}
