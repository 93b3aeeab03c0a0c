//! What stands first on the approval screen: who asks, what for, what is unusual, until when. Short, and signed like everything
//! below it; all of it is said again, whole, under the details.

use super::approval::{ApprovalDetail, GrantsView, RoleView, ScreenView};
use super::brief::{IN_LINE, NAME, VALUE, brief, brief_line};
use super::receipt::ShownSection;
use super::scope::scope_sentence;
use super::screen::said;
use super::sentence::{Part, Sentence, fill};
use super::{LONGEST_WORDS, Texts, clean, plain};

/// From top to bottom.
pub(super) struct Head<'a> {
    pub(super) name: Sentence,
    /// Two letters in place of a picture.
    pub(super) letters: String,
    pub(super) publisher: Sentence,
    /// The words, and whether they are good ones; absent for a plain client.
    pub(super) badge: Option<(&'a str, bool)>,
    pub(super) through: Option<Sentence>,
    pub(super) whom: Sentence,
    pub(super) narrowed: Option<&'a str>,
    pub(super) acts: Vec<ActHead<'a>>,
    pub(super) warnings: Vec<Sentence>,
    pub(super) limit: Sentence,
    /// What was approved before and contains it.
    pub(super) part_of: Option<Sentence>,
}

/// One act.
#[derive(Default)]
pub(super) struct ActHead<'a> {
    pub(super) does: Option<Sentence>,
    pub(super) amount: Option<AmountHead>,
    /// The name, and that nobody checked it.
    pub(super) payee: Option<(Sentence, &'a str)>,
    pub(super) account: Option<String>,
    pub(super) object: Option<Sentence>,
    /// A sentence in place of all that.
    pub(super) sentence: Option<Sentence>,
    pub(super) line: Option<Sentence>,
}

/// An amount that no line break parts.
pub(super) struct AmountHead {
    pub(super) text: String,
    /// The class by which it fits: the longer, the smaller.
    pub(super) size: &'static str,
}

impl<'a> Head<'a> {
    pub(super) fn of(view: &ScreenView, texts: &'a Texts) -> Self {
        let (text, agent) = (&texts.approval, view.client.agent.as_ref());
        let name = brief(&view.client.shown_name(), NAME);
        Self {
            letters: letters(&name),
            publisher: match agent {
                Some(agent) => {
                    let name = brief(&clean(&agent.publisher, LONGEST_WORDS), NAME);
                    fill("{name}", &[("name", &name)])
                }
                None => fill(&text.publisher_unknown, &[]),
            },
            badge: agent.map(|agent| match agent.publisher_verified {
                true => (&*texts.layout.verified, true),
                false => (&*texts.layout.not_verified, false),
            }),
            through: view.through.as_ref().map(|through| {
                let resource = brief(&plain(&through.resource), NAME);
                fill(&text.through, &[("resource", &resource)])
            }),
            whom: whom(view, texts),
            narrowed: view.narrowed.then_some(&text.narrowed),
            acts: acts(view, texts),
            warnings: view
                .hints
                .iter()
                .map(|hint| hint.said(view, texts))
                .collect(),
            limit: limit(view, texts),
            part_of: view.purpose.as_ref().map(|purpose| {
                let words = brief(&clean(&purpose.words, LONGEST_WORDS), IN_LINE);
                let quoted = fill(&texts.layout.quotation, &[("words", &words)]);
                fill(&text.part_of, &[("purpose", &quoted.to_string())])
            }),
            name: fill("{name}", &[("name", &name)]),
        }
    }

    /// As they stand on the page.
    pub(super) fn sections(&self) -> Vec<ShownSection> {
        let mut who = vec![self.publisher.to_string()];
        who.extend(self.badge.map(|(badge, _)| badge.to_owned()));
        who.extend(self.through.as_ref().map(Sentence::to_string));
        who.push(self.whom.to_string());
        let mut what: Vec<String> = self.narrowed.map(str::to_owned).into_iter().collect();
        what.extend(self.acts.iter().flat_map(ActHead::lines));
        what.extend(self.warnings.iter().map(Sentence::to_string));
        what.push(self.limit.to_string());
        what.extend(self.part_of.as_ref().map(Sentence::to_string));
        let asker = ShownSection {
            heading: self.name.to_string(),
            lines: who,
        };
        let (heading, lines) = match what.split_first() {
            Some((first, rest)) => (first.clone(), rest.to_vec()),
            None => (String::new(), Vec::new()),
        };
        vec![asker, ShownSection { heading, lines }]
    }

    /// The button's words: what it approves.
    pub(super) fn approve(&self, view: &ScreenView, texts: &Texts) -> Sentence {
        let text = &texts.approval;
        let [act] = self.acts.as_slice() else {
            let count = self.acts.len().to_string();
            return fill(&text.approve_all, &[("count", &count)]);
        };
        let title = view.details.first().map(|detail| plain(&detail.title));
        match (&act.amount, title) {
            (Some(amount), _) => fill(&text.approve_amount, &[("amount", &amount.text)]),
            (None, Some(title)) => fill(&text.approve_act, &[("act", &brief(&title, NAME))]),
            (None, None) => fill(&text.approve, &[]),
        }
    }

    /// Whether a button with the amount needs the whole width.
    pub(super) fn is_wide(&self) -> bool {
        self.acts.len() == 1
            && self.acts.iter().any(|act| {
                let amount = act.amount.as_ref();
                amount.is_some_and(|amount| amount.text.chars().count() > WIDE)
            })
    }
}

impl ActHead<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.does.iter().map(Sentence::to_string).collect();
        lines.extend(self.amount.as_ref().map(|amount| amount.text.clone()));
        if let Some((payee, claim)) = &self.payee {
            lines.extend([payee.to_string(), (*claim).to_owned()]);
        }
        lines.extend(self.account.clone());
        let rest = [&self.object, &self.sentence, &self.line];
        lines.extend(rest.into_iter().flatten().map(Sentence::to_string));
        lines
    }
}

fn whom(view: &ScreenView, texts: &Texts) -> Sentence {
    let text = match view.deciders.role {
        RoleView::Subject => &texts.approval.whom_you,
        RoleView::Sponsor | RoleView::Designated => &texts.approval.whom_other,
    };
    fill(text, &[("name", &brief(&plain(&view.subject_name), NAME))])
}

fn limit(view: &ScreenView, texts: &Texts) -> Sentence {
    let text = match &view.grants {
        GrantsView::OneUse => &texts.approval.limit_once,
        GrantsView::Task(_) => &texts.approval.limit_task,
    };
    fill(text, &[("until", &texts.when(view.ends_at, view.now))])
}

fn acts<'a>(view: &ScreenView, texts: &'a Texts) -> Vec<ActHead<'a>> {
    let text = &texts.approval;
    let wants = || Some(fill(&text.wants, &[]));
    let alone = |sentence: Sentence| ActHead {
        does: wants(),
        sentence: Some(sentence),
        ..ActHead::default()
    };
    let details = view.details.iter();
    let mut acts: Vec<ActHead<'_>> = details
        .map(|detail| {
            act(detail, texts).unwrap_or_else(|| alone(brief_line(&said(&detail.sentence))))
        })
        .collect();
    let scopes = view.scopes.iter();
    acts.extend(scopes.map(|scope| alone(brief_line(&scope_sentence(scope, texts)))));
    if view.identity {
        acts.push(alone(fill(&text.learns, &[])));
    }
    if acts.is_empty() {
        acts.push(alone(fill(&text.nothing, &[])));
    }
    acts
}

/// An object whose type says what of it decides.
fn act<'a>(detail: &ApprovalDetail, texts: &'a Texts) -> Option<ActHead<'a>> {
    let (headline, text) = (detail.headline.as_ref()?, &texts.approval);
    let quoted = |value: &String| {
        let words = brief(&writ_authority::legible(value), VALUE);
        fill(&texts.layout.quotation, &[("words", &words)])
    };
    let line = brief_line(&said(&headline.line));
    Some(ActHead {
        does: Some(as_words(fill(&text.wants_to, &[("does", &headline.does)]))),
        amount: headline
            .amount
            .as_ref()
            .map(|amount| AmountHead::of(&amount.value, &amount.unit, texts)),
        payee: headline
            .payee
            .as_ref()
            .map(|payee| (quoted(payee), &*text.unchecked)),
        account: headline.account.as_deref().map(in_fours),
        object: headline.object.as_ref().map(quoted),
        sentence: None,
        line: (!line.parts.is_empty()).then_some(line),
    })
}

/// Words of the type are no value of the request.
fn as_words(sentence: Sentence) -> Sentence {
    Sentence {
        parts: vec![Part::Words(sentence.to_string())],
    }
}

impl AmountHead {
    fn of(value: &str, unit: &str, texts: &Texts) -> Self {
        let text = texts.amount(value, unit);
        let size = match text.chars().count() {
            0..=12 => "large",
            13..=18 => "middle",
            19..=24 => "small",
            _ => "least",
        };
        Self { text, size }
    }
}

/// `NL91 ABNA 0417 1643 00`; what is no number of an account stays as it is.
pub(super) fn in_fours(account: &str) -> String {
    let text = writ_authority::legible(account);
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return brief(&text, VALUE);
    }
    let letters: Vec<char> = text.chars().collect();
    let fours = letters
        .chunks(4)
        .map(|four| four.iter().collect::<String>());
    fours.collect::<Vec<_>>().join(" ")
}

/// The first letters of the first two words.
pub(super) fn letters(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let first = words.filter_map(|word| word.chars().next()).take(2);
    first.flat_map(char::to_uppercase).take(2).collect()
}

/// The longest amount that fits beside the other button, in characters.
const WIDE: usize = 14;
