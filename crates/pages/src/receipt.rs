//! `/app/receipts/{id}`: what one person decided, and exactly what they saw.

use askama::Template;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_authority::Level;
use writ_wire::time::Timestamp;

use super::approval::RoleView;
use super::around::{Around, Tab};
use super::sentence::{Part, Sentence, fill};
use super::{ClientView, Page, PersonView, ReportView, Texts, legible_block, plain};

/// One receipt. The signed document itself is at `/app/receipts/{id}/document`.
#[derive(Clone, Debug)]
pub struct ReceiptPage {
    pub person: PersonView,
    pub id: String,
    pub client: ClientView,
    pub verdict: ReceiptVerdict,
    /// Everybody who decided, in order.
    pub by: Vec<VoteView>,
    /// [`shown`] of the canonical text that was kept.
    pub shown: Vec<ShownSection>,
    /// Over the canonical text.
    pub hash: String,
    /// When it was fetched, or permitted an action; absent where it was not yet.
    pub used_at: Option<Timestamp>,
    /// What the resource server says became of the action.
    pub became: Option<BecameOf>,
    /// What the report ended.
    pub report: Option<ReportView>,
    /// Where it can be stopped.
    pub task: Option<String>,
    /// The person just decided.
    pub fresh: bool,
    /// A device waits for it: the person goes back there (RFC 8628 section 3.3).
    pub for_device: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptVerdict {
    Approved,
    /// Less than what was asked.
    ApprovedLess,
    Denied,
    DeniedAndStopped,
    NotMe,
    /// A yes that still needs others.
    Agreed {
        agreed: usize,
        need: usize,
    },
}

/// An outcome that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BecameOf {
    Done,
    InVain,
    NotBegun,
}

#[derive(Clone, Debug)]
pub struct VoteView {
    pub name: String,
    pub role: RoleView,
    pub at: Timestamp,
    pub level: Level,
}

/// A part of a screen as it was shown: a heading and its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSection {
    pub heading: String,
    pub lines: Vec<String>,
}

/// What a canonical screen showed; empty if it is none of ours.
pub fn shown(canonical: &Value) -> Vec<ShownSection> {
    let sections = canonical.get("shown").cloned().unwrap_or_default();
    serde_json::from_value(sections).unwrap_or_default()
}

impl ShownSection {
    /// It was as it should be when it was shown; what is stored is not trusted to be.
    fn clean(&self) -> Self {
        Self {
            heading: unbroken(&self.heading),
            lines: self.lines.iter().map(|line| unbroken(line)).collect(),
        }
    }
}

/// An amount keeps the space at which no line ends; everything else must be legible.
fn unbroken(line: &str) -> String {
    let parts = line.split('\u{a0}').map(legible_block);
    parts.collect::<Vec<_>>().join("\u{a0}")
}

impl ReceiptPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let verdict = self.verdict.text(texts).to_string();
        let text = &texts.receipt;
        let template = ReceiptTemplate {
            texts,
            title: texts.page_title(&verdict),
            around: Around::of(&self.person, Tab::Beside, texts),
            lead: fill(
                self.verdict.lead(texts),
                &[("name", &self.client.shown_name(texts))],
            ),
            votes: self
                .by
                .iter()
                .map(|vote| VoteWords::of(vote, texts))
                .collect(),
            facts: vec![(&text.id, plain(&self.id)), (&text.hash, plain(&self.hash))],
            outcome: self.outcome(texts),
            summary: self.summary(texts),
            shown: self.shown.iter().map(ShownSection::clean).collect(),
            report: self
                .report
                .as_ref()
                .map(|report| report.done(&self.client.shown_name(texts), texts)),
            view: self,
            verdict,
        };
        Page::rendered(&template, StatusCode::OK).with_scripts()
    }
}

impl ReceiptPage {
    /// Who asked and for what, as it stood first on the screen. All of it stands below, in a fold of another name than there.
    fn summary(&self, texts: &Texts) -> Vec<ShownSection> {
        let (there, here) = (&texts.approval.hint.shortened, &texts.receipt.shortened);
        let first = self.shown.iter().take(2);
        let mut summary: Vec<ShownSection> = first.map(ShownSection::clean).collect();
        for section in &mut summary {
            let lines = section.lines.iter_mut();
            let said = lines.chain([&mut section.heading]);
            said.filter(|line| *line == there)
                .for_each(|line| line.clone_from(here));
        }
        summary
    }

    /// What came of a yes; of a no nothing did, and its lead says so.
    fn outcome(&self, texts: &Texts) -> Option<Sentence> {
        let text = &texts.receipt;
        let at = self.used_at.map(|at| texts.moment(at));
        let at = at.as_deref().unwrap_or_default();
        let is_good = match self.verdict {
            ReceiptVerdict::Approved | ReceiptVerdict::ApprovedLess => true,
            ReceiptVerdict::Agreed { .. }
            | ReceiptVerdict::Denied
            | ReceiptVerdict::DeniedAndStopped
            | ReceiptVerdict::NotMe => false,
        };
        let words = match (is_good, self.became, self.used_at) {
            (false, ..) => return None,
            (true, Some(BecameOf::Done), _) => &text.done,
            (true, Some(BecameOf::InVain), _) => &text.in_vain,
            (true, Some(BecameOf::NotBegun), _) => &text.not_begun,
            (true, None, Some(_)) => &text.used,
            (true, None, None) => &text.not_used,
        };
        Some(fill(words, &[("at", at)]))
    }
}

impl ReceiptVerdict {
    fn text(self, texts: &Texts) -> Sentence {
        let text = &texts.receipt;
        match self {
            Self::Approved => fill(&text.approved, &[]),
            Self::ApprovedLess => fill(&text.approved_less, &[]),
            Self::Denied => fill(&text.denied, &[]),
            Self::DeniedAndStopped => fill(&text.stopped, &[]),
            Self::NotMe => fill(&text.not_me, &[]),
            Self::Agreed { agreed, need } => {
                let (agreed, need) = (agreed.to_string(), need.to_string());
                fill(&text.agreed, &[("agreed", &agreed), ("need", &need)])
            }
        }
    }

    fn lead(self, texts: &Texts) -> &str {
        match self {
            Self::Approved | Self::ApprovedLess => &texts.receipt.lead_yes,
            Self::Denied | Self::DeniedAndStopped | Self::NotMe => &texts.receipt.lead_no,
            Self::Agreed { .. } => &texts.receipt.lead_agreed,
        }
    }

    fn is_yes(self) -> bool {
        match self {
            Self::Approved | Self::ApprovedLess | Self::Agreed { .. } => true,
            Self::Denied | Self::DeniedAndStopped | Self::NotMe => false,
        }
    }
}

/// One person's part.
struct VoteWords<'a> {
    who: Sentence,
    how: &'a str,
    at: String,
}

impl<'a> VoteWords<'a> {
    fn of(vote: &VoteView, texts: &'a Texts) -> Self {
        let text = &texts.receipt;
        let role = match vote.role {
            RoleView::Subject => &text.role_subject,
            RoleView::Sponsor => &text.role_sponsor,
            RoleView::Designated => &text.role_designated,
        };
        let how = match vote.level {
            Level::None => &text.unconfirmed,
            Level::Password => &text.password,
            Level::Passkey => &text.passkey,
            Level::Liveness => &text.liveness,
        };
        Self {
            who: fill(&text.vote, &[("name", &plain(&vote.name)), ("role", role)]),
            how,
            at: texts.moment(vote.at),
        }
    }
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    view: &'a ReceiptPage,
    summary: Vec<ShownSection>,
    shown: Vec<ShownSection>,
    verdict: String,
    report: Option<Sentence>,
    lead: Sentence,
    outcome: Option<Sentence>,
    votes: Vec<VoteWords<'a>>,
    facts: Vec<(&'a str, String)>,
}

#[cfg(test)]
mod tests {
    use super::super::{Languages, app_samples};

    /// The copy of what was seen keeps every word.
    #[test]
    fn what_was_shortened_leads_to_the_fold_of_the_receipt() {
        let languages = Languages::load().unwrap();
        for (language, there, here) in [
            ("en", "Shortened: see Details.", "under Evidence."),
            ("de", "Gekürzt: siehe Einzelheiten.", "unter „Nachweis“."),
        ] {
            let mut view = app_samples::receipt();
            view.shown.iter_mut().for_each(|section| {
                section.lines.push(there.to_owned());
            });
            let sections = view.shown.len();
            let html = view.page(languages.of(language)).html;
            let (summary, evidence) = html.split_once("id=\"evidence\"").unwrap();
            assert!(summary.contains(here) && !summary.contains(there), "{html}");
            assert!(evidence.matches(there).count() >= sections, "{html}");
            assert!(!evidence.contains(here), "{html}");
        }
    }
}
