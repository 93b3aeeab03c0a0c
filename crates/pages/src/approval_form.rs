//! The words of the form below an approval screen: time left, the number, what a yes needs, and how to approve less.

use super::approval::{
    AmountView, ApprovalPage, ApprovalProblem, BrowserView, LevelView, NarrowingView, PartView,
};
use super::screen::said;
use super::sections::ApprovalTexts;
use super::sentence::{Sentence, fill};
use super::{ReportView, Texts, plain};

pub(super) struct FormWords<'a> {
    pub(super) left: Sentence,
    pub(super) left_seconds: u64,
    pub(super) problem: Option<&'a str>,
    pub(super) number_missing: bool,
    pub(super) password_wrong: bool,
    pub(super) amount_wrong: bool,
    /// The question for the number.
    pub(super) number: Option<&'a str>,
    pub(super) number_hint: Sentence,
    pub(super) asks_password: bool,
    /// For the device: options as JSON, and what follows.
    pub(super) passkey: Option<(&'a str, &'a str)>,
    /// Where the person shows that it is them, before anything else.
    pub(super) verifier: Option<&'a str>,
    /// What the verifier said of them.
    pub(super) seen: Option<&'a str>,
    /// Why this person cannot approve, and whether a passkey would help.
    pub(super) lacks: Option<(&'a str, bool)>,
    /// Fields that say how the screen was made smaller.
    pub(super) kept: Vec<(String, String)>,
    pub(super) less: Option<LessWords<'a>>,
    /// What "This was not me" does.
    pub(super) not_me_hint: Sentence,
    pub(super) stop_hint: Sentence,
}

/// The form that makes it less.
pub(super) struct LessWords<'a> {
    /// Open after a mistake in it.
    pub(super) open: bool,
    pub(super) parts: Vec<PartWords<'a>>,
    /// Minutes, their words, whether chosen; 0 is as long as asked.
    pub(super) durations: Vec<(u32, String, bool)>,
}

pub(super) struct PartWords<'a> {
    pub(super) reference: &'a str,
    pub(super) sentence: Sentence,
    pub(super) chosen: bool,
    pub(super) amount: Option<AmountWords>,
}

pub(super) struct AmountWords {
    pub(super) label: Sentence,
    pub(super) most: Sentence,
    pub(super) value: String,
}

impl<'a> FormWords<'a> {
    pub(super) fn of(view: &'a ApprovalPage, texts: &'a Texts) -> Self {
        let text = &texts.approval;
        let left = view.now.until(view.screen.expires_at);
        let device = view.screen.user_code.is_some();
        let problem = view.problem;
        let (name, person) = (
            view.screen.client.shown_name(texts),
            plain(&view.screen.subject_name),
        );
        let lacks = lacks(&view.level, text);
        Self {
            left: fill(&text.left, &[("time", &texts.length(left))]),
            left_seconds: left.as_secs(),
            problem: problem.map(|problem| problem.text(texts)),
            number_missing: problem == Some(ApprovalProblem::NumberMissing),
            password_wrong: matches!(
                problem,
                Some(ApprovalProblem::PasswordMissing | ApprovalProblem::PasswordWrong)
            ),
            amount_wrong: problem == Some(ApprovalProblem::AmountWrong),
            number: view
                .asks_number
                .then_some(match (device, &view.screen.browser) {
                    (true, _) => &text.number_device,
                    (false, Some(_)) => &text.number_browser,
                    (false, None) => &text.number,
                }),
            number_hint: number_hint(view, texts),
            asks_password: view.level == LevelView::Password,
            passkey: match &view.level {
                LevelView::Passkey { options } => Some((options, &text.passkey_hint)),
                LevelView::Seen { options, .. } => Some((options, &text.liveness_seen)),
                LevelView::Password
                | LevelView::PasskeyMissing
                | LevelView::NotHere
                | LevelView::Liveness { .. }
                | LevelView::LivenessMissing => None,
            },
            verifier: match &view.level {
                LevelView::Liveness { path } => Some(path),
                _ => None,
            },
            seen: match &view.level {
                LevelView::Seen { result, .. } => Some(result),
                _ => None,
            },
            lacks,
            kept: kept(view),
            // Less of it is a yes too.
            less: match lacks {
                Some(_) => None,
                None => LessWords::of(&view.narrowing, problem, texts),
            },
            not_me_hint: view.report.hint(&name, &person, texts),
            stop_hint: match view.report {
                ReportView::Told => fill(&text.stop_hint_other, &[("person", &person)]),
                _ => fill(&text.stop_hint, &[]),
            },
        }
    }

    pub(super) fn can_approve(&self) -> bool {
        self.asks_password || self.passkey.is_some()
    }
}

fn lacks<'a>(level: &LevelView, text: &'a ApprovalTexts) -> Option<(&'a str, bool)> {
    match level {
        LevelView::PasskeyMissing => Some((&text.passkey_missing, true)),
        LevelView::LivenessMissing => Some((&text.liveness_missing, false)),
        LevelView::NotHere => Some((&text.not_here, false)),
        LevelView::Password
        | LevelView::Passkey { .. }
        | LevelView::Seen { .. }
        | LevelView::Liveness { .. } => None,
    }
}

/// Where the number stands, and what it means that there is none.
fn number_hint(view: &ApprovalPage, texts: &Texts) -> Sentence {
    let text = &texts.approval;
    let Some(browser) = &view.screen.browser else {
        return fill(&text.number_hint, &[]);
    };
    let address = view.screen.address.as_deref().map(plain);
    let address = address.unwrap_or_else(|| text.address_unknown.clone());
    let values = [("browser", browser.named(texts)), ("address", address)];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    fill(&text.number_hint_browser, &values)
}

impl BrowserView {
    /// "Firefox on Linux", as the page of devices says it.
    pub(super) fn named(&self, texts: &Texts) -> String {
        let text = &texts.devices.session;
        match (&self.browser, &self.system) {
            (Some(browser), Some(system)) => {
                let values = [("browser", plain(browser)), ("system", plain(system))];
                let values = values
                    .each_ref()
                    .map(|(name, value)| (*name, value.as_str()));
                fill(&text.named, &values).to_string()
            }
            (Some(one), None) | (None, Some(one)) => plain(one),
            (None, None) => text.unnamed.clone(),
        }
    }
}

impl<'a> LessWords<'a> {
    fn of(
        view: &'a NarrowingView,
        problem: Option<ApprovalProblem>,
        texts: &'a Texts,
    ) -> Option<Self> {
        let has_amount = view.parts.iter().any(|part| part.amount.is_some());
        if view.parts.len() < 2 && !has_amount && view.durations.is_empty() {
            return None;
        }
        let whole = (
            0,
            texts.approval.less_time_whole.clone(),
            view.durations.iter().all(|duration| !duration.chosen),
        );
        let shorter = view.durations.iter();
        let shorter = shorter.map(|one| (one.minutes, texts.minutes(one.minutes), one.chosen));
        let durations = match view.durations.is_empty() {
            true => Vec::new(),
            false => std::iter::once(whole).chain(shorter).collect(),
        };
        let mistake = matches!(
            problem,
            Some(ApprovalProblem::AmountWrong | ApprovalProblem::NothingChosen)
        );
        Some(Self {
            open: mistake,
            parts: view
                .parts
                .iter()
                .map(|part| PartWords::of(part, texts))
                .collect(),
            durations,
        })
    }
}

impl<'a> PartWords<'a> {
    fn of(part: &'a PartView, texts: &Texts) -> Self {
        Self {
            reference: &part.reference,
            sentence: said(&part.sentence, texts),
            chosen: part.chosen,
            amount: part
                .amount
                .as_ref()
                .map(|amount| AmountWords::of(amount, texts)),
        }
    }
}

impl AmountWords {
    fn of(amount: &AmountView, texts: &Texts) -> Self {
        let text = &texts.approval;
        let unit = plain(&amount.unit);
        let label = match unit.as_str() {
            "" => fill(&text.less_amount_plain, &[]),
            unit => fill(&text.less_amount, &[("unit", unit)]),
        };
        let most = texts.amount(&amount.most, &amount.unit);
        Self {
            label,
            most: fill(&text.less_most, &[("most", &most)]),
            value: plain(&amount.value),
        }
    }
}

impl ApprovalProblem {
    fn text(self, texts: &Texts) -> &str {
        let text = &texts.approval.problem;
        match self {
            Self::NumberMissing => &text.number_missing,
            Self::PasswordMissing => &text.password_missing,
            Self::PasswordWrong => &text.password_wrong,
            Self::TooMany { .. } => &text.too_many,
            Self::Busy => &text.busy,
            Self::PasskeyFailed => &text.passkey_failed,
            Self::PasskeyChanged => &text.passkey_changed,
            Self::LivenessMissing => &text.liveness_missing,
            Self::LivenessFailed => &text.liveness_failed,
            Self::LivenessOld => &text.liveness_old,
            Self::LivenessOther => &text.liveness_other,
            Self::LivenessUsed => &text.liveness_used,
            Self::Changed => &text.changed,
            Self::AskedAgain => &text.asked_again,
            Self::FormExpired => &text.form_expired,
            Self::NotHere => &texts.approval.not_here,
            Self::NothingChosen => &text.nothing_chosen,
            Self::AmountWrong => &text.amount_wrong,
        }
    }
}

/// What the decision carries, so that it is about the smaller request that was shown.
fn kept(view: &ApprovalPage) -> Vec<(String, String)> {
    if !view.screen.narrowed {
        return Vec::new();
    }
    let mut fields = vec![("narrow".to_owned(), "1".to_owned())];
    for part in view.narrowing.parts.iter().filter(|part| part.chosen) {
        fields.push(("part".to_owned(), part.reference.clone()));
        if let Some(amount) = &part.amount {
            fields.push((format!("amount-{}", part.reference), amount.value.clone()));
        }
    }
    let shorter = view.narrowing.durations.iter().find(|one| one.chosen);
    fields.extend(shorter.map(|one| ("minutes".to_owned(), one.minutes.to_string())));
    fields
}
