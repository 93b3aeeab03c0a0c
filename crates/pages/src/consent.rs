//! The consent form, and the text of it that is recorded. Both are written from one `Screen`, so
//! that what is recorded is what the person saw.

use askama::Template;
use http::StatusCode;
use writ_authority::Piece;

use super::client_name::client_name;
use super::guest::{GuestView, GuestWords, still_asked, warnings};
use super::headline::letters;
use super::onward::onward;
use super::scope::scope_sentence;
use super::screen::said;
use super::sentence::{Part, Sentence, fill};
use super::{FormEnds, LONGEST_WORDS, Page, ScopeView, ScopeWords, Texts, clean, plain};

/// What is asked of a person, before any wording.
#[derive(Clone, Debug)]
pub struct ConsentPage {
    pub csrf: String,
    pub request: String,
    /// Comes back as `screen`: what of the page is compared with the click.
    pub screen_hash: String,
    pub client: ClientView,
    pub subject_name: String,
    /// The client's own words; cleaned here.
    pub purpose: Option<String>,
    /// When the task ends, as people read it: [`Texts::moment`].
    pub expires: String,
    /// The same as people say it: [`Texts::when`].
    pub until: String,
    pub details: Vec<DetailView>,
    pub scopes: Vec<ScopeView>,
    /// Whether `openid` was asked.
    pub identity: bool,
    pub onward: OnwardView,
    /// How many days the person is not asked again.
    pub remembered_days: Option<u64>,
    /// Host, or scheme for an app on the device, where the browser goes next.
    pub redirect_host: String,
    /// Of a client that nobody registered.
    pub guest: Option<GuestView>,
    /// The person never allowed this agent anything.
    pub first: bool,
    pub problem: Option<ConsentProblem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentProblem {
    /// Approved with nothing ticked.
    NothingChosen,
    /// The click was for another page than this one.
    Changed,
}

#[derive(Clone, Debug)]
pub struct ClientView {
    pub name: String,
    pub client_id: String,
    /// Absent for a plain client.
    pub agent: Option<AgentView>,
}

#[derive(Clone, Debug)]
pub struct AgentView {
    pub publisher: String,
    pub publisher_verified: bool,
    pub owner: String,
    pub sponsor: String,
}

/// One object of `authorization_details`, in the sentence of its type.
#[derive(Clone, Debug)]
pub struct DetailView {
    /// Comes back as `grant`.
    pub reference: String,
    pub sentence: Vec<Piece>,
    pub limits: Vec<Vec<Piece>>,
}

/// To whom an agent may pass on what it is given.
#[derive(Clone, Debug, Default)]
pub struct OnwardView {
    pub agents: Vec<AgentName>,
    pub same_owner: bool,
    pub depth: u32,
}

/// An agent beside the one that asks.
#[derive(Clone, Debug)]
pub struct AgentName {
    pub id: String,
    /// `None` while nobody has registered it.
    pub name: Option<String>,
}

impl ClientView {
    /// The cleaned name; the identifier if nothing of the name can be shown.
    pub(super) fn shown_name(&self, texts: &Texts) -> String {
        // The name of a guest is the host of its document, which is shown whole.
        if self.client_id.starts_with("https://") {
            return plain(&self.name);
        }
        let name = client_name(&self.name, texts.locale());
        match name.is_empty() {
            true => plain(&self.client_id),
            false => name,
        }
    }
}

impl AgentName {
    /// The identifier always: two agents may bear one name.
    pub(super) fn shown(&self, texts: &Texts) -> String {
        let name = self.name.as_deref();
        let name = name.map(|name| client_name(name, texts.locale()));
        let id = plain(&self.id);
        match name.filter(|name| !name.is_empty()) {
            Some(name) => {
                let values = [("name", name.as_str()), ("id", id.as_str())];
                fill(&texts.consent.agent_named, &values).to_string()
            }
            None => id,
        }
    }
}

impl ConsentPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let screen = Screen::of(self, texts);
        let status = match self.problem {
            Some(ConsentProblem::NothingChosen) => StatusCode::UNPROCESSABLE_ENTITY,
            Some(ConsentProblem::Changed) => StatusCode::CONFLICT,
            None => StatusCode::OK,
        };
        let title = texts.page_title(&screen.heading.to_string());
        let template = ConsentTemplate {
            texts,
            title,
            view: self,
            screen,
        };
        Page::rendered(&template, status).with_form_ends(FormEnds::Anywhere)
    }

    /// Whoever approved nothing sees that nothing is ticked.
    fn is_unticked(&self) -> bool {
        self.problem == Some(ConsentProblem::NothingChosen)
    }

    /// Whether something must be ticked: who signs in may keep their e-mail address to themselves.
    pub fn has_boxes(&self) -> bool {
        let mut scopes = self.scopes.iter();
        !self.details.is_empty() || scopes.any(|scope| scope.words != ScopeWords::Email)
    }

    /// Every line that the person saw, in the order of the screen.
    pub fn recorded_text(&self, texts: &Texts) -> String {
        Screen::of(self, texts).lines(texts).join("\n")
    }
}

/// The finished words of the page, from top to bottom.
struct Screen<'a> {
    problem: Option<&'a str>,
    /// In place of a picture.
    letters: String,
    heading: Sentence,
    publisher: Sentence,
    /// Absent for a plain client, of whose publisher nothing is known.
    badge: Option<Badge<'a>>,
    items: Vec<Item>,
    identity: Option<Sentence>,
    /// What it asks about each time, whatever is ticked.
    still_asked: Option<Sentence>,
    /// Until when, and that it can be stopped.
    end: Sentence,
    limits: Vec<Sentence>,
    words: Option<Words<'a>>,
    facts: Vec<(&'a str, String)>,
    guest: Option<GuestWords<'a>>,
    warnings: Vec<&'a str>,
}

struct Badge<'a> {
    text: &'a str,
    verified: bool,
}

struct Item {
    value: String,
    sentence: Sentence,
    limits: Vec<Sentence>,
}

struct Words<'a> {
    label: &'a str,
    quotation: Sentence,
}

impl<'a> Screen<'a> {
    fn of(view: &ConsentPage, texts: &'a Texts) -> Self {
        let text = &texts.consent;
        let name = view.client.shown_name(texts);
        let agent = view.client.agent.as_ref();
        let guest = view
            .guest
            .as_ref()
            .map(|guest| GuestWords::of(guest, texts));
        let heading = if agent.is_some() || guest.is_some() {
            &text.heading_agent
        } else {
            &text.heading_client
        };
        let account = plain(&view.subject_name);
        Self {
            problem: view.problem.map(|problem| match problem {
                ConsentProblem::NothingChosen => &*text.nothing_chosen,
                ConsentProblem::Changed => &*text.changed,
            }),
            letters: letters(&name),
            still_asked: view
                .guest
                .as_ref()
                .and_then(|guest| still_asked(guest, texts)),
            end: match &guest {
                // Its end is chosen on the page.
                Some(_) => fill(&text.stoppable, &[]),
                None => fill(&text.stoppable_until, &[("until", &plain(&view.until))]),
            },
            heading: fill(heading, &[("name", &name)]),
            publisher: match &guest {
                Some(guest) => guest.says.clone(),
                None => publisher(agent, texts),
            },
            badge: match &guest {
                Some(guest) => Some(Badge {
                    text: guest.badge,
                    verified: guest.verified,
                }),
                None => agent.map(|agent| Badge::of(agent, texts)),
            },
            items: items(view, texts),
            identity: view
                .identity
                .then(|| fill(&text.identity, &[("name", &account)])),
            limits: limits(view, texts),
            words: view
                .purpose
                .as_deref()
                .and_then(|purpose| words(purpose, agent, texts)),
            facts: facts(view, texts),
            warnings: warnings(view, guest.as_ref(), texts),
            guest,
        }
    }

    fn lines(&self, texts: &Texts) -> Vec<String> {
        let text = &texts.consent;
        let mut lines = Vec::new();
        lines.extend(self.problem.map(str::to_owned));
        lines.extend([self.heading.to_string(), self.publisher.to_string()]);
        lines.extend(self.badge.iter().map(|badge| badge.text.to_owned()));
        lines.extend(self.warnings.iter().map(|one| (*one).to_owned()));
        lines.push(text.what.clone());
        for item in &self.items {
            lines.push(item.sentence.to_string());
            lines.extend(item.limits.iter().map(Sentence::to_string));
        }
        if !self.items.is_empty() {
            lines.push(text.what_hint.clone());
        }
        lines.extend(self.identity.iter().map(Sentence::to_string));
        lines.extend(self.still_asked.iter().map(Sentence::to_string));
        lines.extend(self.guest.iter().flat_map(GuestWords::limits));
        lines.push(self.end.to_string());
        lines.extend([text.details.clone(), text.limits.clone()]);
        lines.extend(self.limits.iter().map(Sentence::to_string));
        if let Some(words) = &self.words {
            let said = words.quotation.to_string();
            lines.extend([words.label.to_owned(), said]);
        }
        lines.push(text.about.clone());
        lines.extend(
            self.facts
                .iter()
                .flat_map(|(name, fact)| [(*name).to_owned(), fact.clone()]),
        );
        let end = [&text.unsure, &text.deny, &text.approve];
        lines.extend(end.into_iter().cloned());
        lines
    }
}

impl<'a> Badge<'a> {
    fn of(agent: &AgentView, texts: &'a Texts) -> Self {
        let verified = agent.publisher_verified;
        let text = match verified {
            true => &texts.layout.verified,
            false => &texts.layout.not_verified,
        };
        Self { text, verified }
    }
}

fn publisher(agent: Option<&AgentView>, texts: &Texts) -> Sentence {
    match agent {
        Some(agent) => {
            let name = clean(&agent.publisher, LONGEST_WORDS);
            fill(&texts.consent.publisher, &[("name", &name)])
        }
        None => fill(&texts.consent.publisher_unknown, &[]),
    }
}

fn items(view: &ConsentPage, texts: &Texts) -> Vec<Item> {
    let line = |pieces: &Vec<Piece>| said(pieces, texts);
    let details = view.details.iter().map(|detail| Item {
        value: detail.reference.clone(),
        sentence: line(&detail.sentence),
        limits: detail.limits.iter().map(line).collect(),
    });
    let scopes = view.scopes.iter().map(|scope| Item {
        value: scope.value.clone(),
        sentence: scope_sentence(scope, texts),
        limits: scope.asked.said(texts).into_iter().collect(),
    });
    details.chain(scopes).collect()
}

fn limits(view: &ConsentPage, texts: &Texts) -> Vec<Sentence> {
    let until = fill(&texts.consent.until, &[("expires", &plain(&view.expires))]);
    // A guest's end is chosen on the page.
    let mut limits = Vec::from_iter(view.guest.is_none().then_some(until));
    if view.client.agent.is_some() {
        limits.extend(onward(&view.onward, texts));
    }
    limits.extend(
        view.remembered_days
            .map(|days| fill(&texts.consent.remembered, &[("days", &days.to_string())])),
    );
    limits.push(fill(&texts.consent.nothing_else, &[]));
    limits
}

fn words<'a>(purpose: &str, agent: Option<&AgentView>, texts: &'a Texts) -> Option<Words<'a>> {
    let text = &texts.consent;
    let label = if agent.is_some() {
        &text.own_words_agent
    } else {
        &text.own_words_client
    };
    let said = clean(purpose, LONGEST_WORDS);
    let quotation = texts.quotation(&said);
    (!said.is_empty()).then_some(Words { label, quotation })
}

fn facts<'a>(view: &ConsentPage, texts: &'a Texts) -> Vec<(&'a str, String)> {
    let text = &texts.consent;
    let agent = view.client.agent.as_ref();
    let people = agent.map(|agent| {
        [
            (&*text.owner, plain(&agent.owner)),
            (&*text.sponsor, plain(&agent.sponsor)),
        ]
    });
    let mut facts = vec![(&*text.subject, plain(&view.subject_name))];
    facts.extend(people.into_iter().flatten());
    facts.push((&text.identifier, plain(&view.client.client_id)));
    facts.push((&text.returns_to, plain(&view.redirect_host)));
    facts
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a ConsentPage,
    screen: Screen<'a>,
}
