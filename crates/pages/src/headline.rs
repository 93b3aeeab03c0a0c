//! What stands first on the approval screen: who asks, what for, what is unusual, until when. Short, and signed like everything
//! below it; all of it is said again, whole, under the details.

use super::amount::{AmountHead, in_fours};
use super::approval::{ApprovalDetail, GrantsView, RoleView, ScreenView};
use super::approve::ordered;
use super::brief::{AMPLE, Brief, LETTER_SCARCE, PURPOSE_SCARCE, Room, SCARCE};
use super::hints::warnings;
use super::letter::LetterHead;
use super::receipt::ShownSection;
use super::scope::scope_sentence;
use super::screen::said_now;
use super::sentence::{Part, Sentence, fill};
use super::{LONGEST_WORDS, Texts, clean, plain};
use writ_wire::time::Timestamp;

/// From top to bottom.
pub(super) struct Head<'a> {
    pub(super) name: Sentence,
    /// Two letters in place of a picture.
    pub(super) letters: String,
    pub(super) publisher: Sentence,
    /// The words, and whether they are good ones; absent for a plain client.
    pub(super) badge: Option<(&'a str, bool)>,
    pub(super) through: Option<Sentence>,
    /// Where it is not for the person who decides.
    pub(super) whom: Option<Sentence>,
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
    /// That payee or account is known from before.
    pub(super) known: Option<&'a str>,
    pub(super) letter: Option<LetterHead>,
    pub(super) object: Option<Sentence>,
    /// A sentence in place of all that.
    pub(super) sentence: Option<Sentence>,
    pub(super) line: Option<Sentence>,
    /// Arguments that the sentence does not hold, a line each.
    pub(super) values: Vec<Sentence>,
    /// Whose words it is, where not all was looked up.
    pub(super) claim: Option<Sentence>,
    pub(super) at: Option<Sentence>,
}

impl<'a> Head<'a> {
    /// Whole, where that is not too much to read; else shortened, with a warning that it is.
    pub(super) fn of(view: &ScreenView, texts: &'a Texts) -> Self {
        let rooms = [AMPLE, PURPOSE_SCARCE, LETTER_SCARCE].into_iter();
        let mut heads = rooms.map(|room| Self::within(room, view, texts));
        heads
            .find(|head| head.words() <= MOST_WORDS)
            .unwrap_or_else(|| Self::within(SCARCE, view, texts))
    }

    fn within(room: Room, view: &ScreenView, texts: &'a Texts) -> Self {
        let (text, agent) = (&texts.approval, view.client.agent.as_ref());
        let mut brief = Brief::within(room);
        let name = brief.name(&view.client.shown_name(texts));
        let mut head = Self {
            letters: letters(&name),
            publisher: match agent {
                Some(agent) => {
                    let name = brief.name(&clean(&agent.publisher, LONGEST_WORDS));
                    fill("{name}", &[("name", &name)])
                }
                None => fill(&text.publisher_unknown, &[]),
            },
            badge: agent.map(|agent| match agent.publisher_verified {
                true => (&*texts.layout.verified, true),
                false => (&*texts.layout.not_verified, false),
            }),
            through: view.through.as_ref().map(|through| {
                let resource = brief.name(&plain(&through.resource));
                fill(&text.through, &[("resource", &resource)])
            }),
            whom: whom(view, texts, &mut brief),
            narrowed: view.narrowed.then_some(&text.narrowed),
            acts: acts(view, texts, &mut brief),
            warnings: warnings(view, texts, &mut brief),
            limit: limit(view, texts),
            part_of: view.purpose.as_ref().and_then(|purpose| {
                let words = clean(purpose.words.as_deref()?, LONGEST_WORDS);
                let words = brief.purpose(&words);
                let quoted = texts.quotation(&words);
                Some(fill(&text.part_of, &[("purpose", &quoted.to_string())]))
            }),
            name: fill("{name}", &[("name", &name)]),
        };
        if brief.shortened {
            head.warnings.push(fill(&text.hint.shortened, &[]));
        }
        head
    }

    /// All that is read before the buttons.
    fn words(&self) -> usize {
        let sections = self.sections();
        let lines = sections
            .iter()
            .flat_map(|section| section.lines.iter().chain([&section.heading]));
        lines.map(|line| line.split_whitespace().count()).sum()
    }

    /// Whether the warnings stand above what is asked: right below one act, but never below several.
    pub(super) const fn warns_first(&self) -> bool {
        self.acts.len() > 1
    }

    /// As they stand on the page.
    pub(super) fn sections(&self) -> Vec<ShownSection> {
        let mut who = vec![self.publisher.to_string()];
        who.extend(self.badge.map(|(badge, _)| badge.to_owned()));
        who.extend(self.through.as_ref().map(Sentence::to_string));
        who.extend(self.whom.as_ref().map(Sentence::to_string));
        let mut what: Vec<String> = self.narrowed.map(str::to_owned).into_iter().collect();
        let warnings = self.warnings.iter().map(Sentence::to_string);
        let mut acts: Vec<String> = self.acts.iter().flat_map(ActHead::lines).collect();
        match self.warns_first() {
            true => what.extend(warnings.chain(acts)),
            false => {
                acts.extend(warnings);
                what.extend(acts);
            }
        }
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
}

impl ActHead<'_> {
    /// Whether anything of it is a value of the request, and not words of its type alone.
    fn has_value(&self) -> bool {
        let sentences = [&self.sentence, &self.line].into_iter().flatten();
        let mut parts = sentences.chain(&self.values).flat_map(|one| &one.parts);
        let is_told = self.amount.is_some()
            || self.payee.is_some()
            || self.account.is_some()
            || self.object.is_some()
            || self.letter.is_some();
        is_told || parts.any(|part| !matches!(part, Part::Words(_)))
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.does.iter().map(Sentence::to_string).collect();
        lines.extend(self.amount.as_ref().map(|amount| amount.text.clone()));
        if let Some((payee, claim)) = &self.payee {
            lines.extend([payee.to_string(), (*claim).to_owned()]);
        }
        lines.extend(self.account.clone());
        lines.extend(self.known.map(str::to_owned));
        lines.extend(self.letter.iter().flat_map(LetterHead::lines));
        let rest = [&self.object, &self.sentence, &self.line].into_iter();
        let rest = rest.flatten().chain(&self.values);
        lines.extend(rest.map(Sentence::to_string));
        lines.extend(self.claim.as_ref().map(Sentence::to_string));
        lines.extend(self.at.as_ref().map(Sentence::to_string));
        lines
    }
}

fn whom(view: &ScreenView, texts: &Texts, brief: &mut Brief) -> Option<Sentence> {
    let name = match view.deciders.role {
        RoleView::Subject => return None,
        RoleView::Sponsor | RoleView::Designated => brief.name(&plain(&view.subject_name)),
    };
    Some(fill(&texts.approval.whom_other, &[("name", &name)]))
}

fn limit(view: &ScreenView, texts: &Texts) -> Sentence {
    let text = &texts.approval;
    match &view.grants {
        // It ends a few minutes after the answer: beside the time that is left for that, a second clock would only confuse.
        GrantsView::OneUse => fill(&text.limit_once, &[]),
        GrantsView::Task(_) => {
            let until = texts.when(view.ends_at, view.now);
            fill(&text.limit_task, &[("until", &until)])
        }
    }
}

fn acts<'a>(view: &ScreenView, texts: &'a Texts, brief: &mut Brief) -> Vec<ActHead<'a>> {
    let text = &texts.approval;
    let alone = |sentence: Sentence| ActHead {
        does: Some(fill(&text.wants, &[])),
        sentence: Some(sentence),
        ..ActHead::default()
    };
    let mut acts = Vec::new();
    for detail in ordered(&view.details) {
        let act = act(detail, (texts, view.now), brief);
        let act = act.unwrap_or_else(|| {
            let sentence = said_now(&detail.sentence, texts, view.now);
            alone(brief.line(&sentence))
        });
        let values = detail.values.iter();
        let values: Vec<Sentence> = values.map(|line| said_now(line, texts, view.now)).collect();
        let act = ActHead {
            values: brief.lines(&values),
            ..act
        };
        let claim = act.has_value().then(|| claim(view, texts, brief)).flatten();
        acts.push(ActHead {
            claim,
            at: at(view, detail, texts, brief),
            ..act
        });
    }
    for scope in &view.scopes {
        acts.push(alone(brief.line(&scope_sentence(scope, texts))));
    }
    if view.identity {
        acts.push(alone(fill(&text.learns, &[])));
    }
    if acts.is_empty() {
        acts.push(alone(fill(&text.nothing, &[])));
    }
    acts
}

/// At which resource, where the question is not the resource's own.
fn at(
    view: &ScreenView,
    detail: &ApprovalDetail,
    texts: &Texts,
    brief: &mut Brief,
) -> Option<Sentence> {
    if view.through.is_some() || detail.at.is_empty() {
        return None;
    }
    let names: Vec<String> = detail.at.iter().map(|name| plain(name)).collect();
    let names = brief.name(&names.join(&texts.approval.list_separator));
    Some(fill(&texts.approval.at, &[("resource", &names)]))
}

/// Whose words the values are, where a resource asks about an act of its caller: all are the caller's but those that it looked up.
fn claim(view: &ScreenView, texts: &Texts, brief: &mut Brief) -> Option<Sentence> {
    let (through, text) = (view.through.as_ref()?, &texts.approval);
    if through.resolved.is_empty() {
        return Some(fill(&text.claimed, &[]));
    }
    let members = through.resolved.iter().map(|name| plain(name));
    let members: Vec<String> = members.collect();
    let members = brief.name(&members.join(&text.list_separator));
    let resource = brief.name(&plain(&through.resource));
    let values = [("resource", &*resource), ("members", &*members)];
    Some(fill(&text.claimed_rest, &values))
}

/// An object whose type says what of it decides.
fn act<'a>(
    detail: &ApprovalDetail,
    (texts, now): (&'a Texts, Timestamp),
    brief: &mut Brief,
) -> Option<ActHead<'a>> {
    let (headline, text) = (detail.headline.as_ref()?, &texts.approval);
    let mut quoted =
        |value: &String| texts.quotation(&brief.value(&writ_authority::legible(value)));
    let payee = headline.payee.as_ref().map(&mut quoted);
    let object = headline.object.as_ref().map(&mut quoted);
    let line = brief.line(&said_now(&headline.line, texts, now));
    Some(ActHead {
        does: Some(as_words(fill(&text.wants_to, &[("does", &headline.does)]))),
        amount: headline
            .amount
            .as_ref()
            .map(|amount| AmountHead::of(&amount.value, &amount.unit, texts)),
        payee: payee.map(|payee| (payee, &*text.unchecked)),
        account: headline.account.as_deref().map(|account| {
            in_fours(account).unwrap_or_else(|| brief.value(&writ_authority::legible(account)))
        }),
        known: detail.known.as_deref().and_then(|known| {
            match (headline.account.as_deref(), headline.payee.as_deref()) {
                (Some(account), _) if account == known => Some(&*text.paid_before),
                (None, Some(payee)) if payee == known => Some(&*text.known_before),
                _ => None,
            }
        }),
        object,
        letter: headline
            .letter
            .as_ref()
            .map(|letter| LetterHead::of(letter, texts, brief)),
        line: (!line.parts.is_empty()).then_some(line),
        ..ActHead::default()
    })
}

/// Words of the type are no value of the request.
fn as_words(sentence: Sentence) -> Sentence {
    Sentence {
        parts: vec![Part::Words(sentence.to_string())],
    }
}

/// The first letters of the first two words.
pub(super) fn letters(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let first = words.filter_map(|word| word.chars().next()).take(2);
    first.flat_map(char::to_uppercase).take(2).collect()
}

/// The most of it that may stand there whole, in words: with what follows it on the first screen, a password's label or a device's hint,
/// at most 60 are read before the buttons (docs/approval.md).
const MOST_WORDS: usize = 48;

#[cfg(test)]
mod tests {
    use super::{AMPLE, Head, MOST_WORDS, SCARCE};
    use crate::{Languages, app_samples as samples};

    /// Whatever the payee and the purpose are called: nothing is shortened that need not be.
    #[test]
    fn so_many_words_stand_there_whole() {
        let languages = Languages::load().unwrap();
        let texts = languages.of("en");
        let mut whole_ones = std::collections::BTreeSet::new();
        for (payee, purpose) in (1..=12).flat_map(|payee| (1..=24).map(move |words| (payee, words)))
        {
            let mut view = samples::approval();
            let headline = view.screen.details[0].headline.as_mut().unwrap();
            headline.payee = Some(vec!["A"; payee].join(" "));
            view.screen.purpose.as_mut().unwrap().words = Some(vec!["b"; purpose].join(" "));
            let whole = Head::within(AMPLE, &view.screen, texts).sections();
            let words = Head::within(AMPLE, &view.screen, texts).words();
            let shown = Head::of(&view.screen, texts);
            assert_eq!(
                shown.sections() == whole,
                words <= MOST_WORDS,
                "{payee} {purpose} {words}"
            );
            let least = Head::within(SCARCE, &view.screen, texts).words();
            assert!(shown.words() <= MOST_WORDS.max(least), "{payee} {purpose}");
            whole_ones.insert(words);
        }
        assert!(whole_ones.contains(&MOST_WORDS) && whole_ones.contains(&(MOST_WORDS + 1)));
    }

    /// Where a line holds words of its type alone, or all its values are folded, nothing stands there that the agent wrote.
    #[test]
    fn only_values_are_in_the_agents_own_words() {
        let languages = Languages::load().unwrap();
        let cases: [(&str, &[&str], bool); 4] = [
            ("Use the tool, once", &[], false),
            ("Delete [the list], once", &[], true),
            ("Use the tool, once", &["to: [a]"], true),
            (
                "Use the tool, once",
                &["[a]", "[b]", "[c]", "[d]", "[e]"],
                false,
            ),
        ];
        for (sentence, values, marked) in cases {
            for resolved in [Vec::new(), vec!["title".to_owned()]] {
                let mut view = samples::through_approval();
                view.screen.through.as_mut().unwrap().resolved = resolved;
                let detail = &mut view.screen.details[0];
                detail.sentence = samples::pieces(sentence);
                detail.values = values.iter().map(|line| samples::pieces(line)).collect();
                let html = view.page(languages.of("en")).html;
                let is_marked = html.contains("<p class=\"claim\">");
                assert_eq!(is_marked, marked, "{sentence}: {html}");
            }
        }
    }
}
