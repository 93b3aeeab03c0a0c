//! The button that approves, and in which order stands what it approves: nothing is approved by a button that hides it.

use std::cmp::Reverse;

use writ_authority::{Decimal, Headline};

use super::approval::{ApprovalDetail, ScreenView};
use super::brief::{NAME, brief};
use super::headline::Head;
use super::sentence::{Sentence, fill};
use super::{Texts, plain};

impl Head<'_> {
    /// The button's words: what it approves.
    pub(super) fn approve(&self, view: &ScreenView, texts: &Texts) -> Sentence {
        let text = &texts.approval;
        if let Some(sums) = self.sums(view, texts) {
            let sums = sums.join(&text.list_separator);
            return fill(&text.approve_amount, &[("amount", &sums)]);
        }
        if self.acts.len() > 1 {
            let count = self.acts.len().to_string();
            return fill(&text.approve_all, &[("count", &count)]);
        }
        match view.details.first() {
            Some(detail) => act(detail, texts),
            None => fill(&text.approve, &[]),
        }
    }

    /// Whether a button with an amount needs the whole width.
    pub(super) fn is_wide(&self, view: &ScreenView, texts: &Texts) -> bool {
        let sums = self.sums(view, texts).unwrap_or_default();
        sums.join(" ").chars().count() > WIDE
    }

    /// Whether the buttons stay at the lower edge of the window: of several acts one would be below them.
    pub(super) const fn sticks(&self) -> bool {
        self.acts.len() <= MOST_ABOVE_BUTTONS
    }

    /// The amount, or the sum for each unit where every act is an amount of the same kind.
    fn sums(&self, view: &ScreenView, texts: &Texts) -> Option<Vec<String>> {
        if let ([act], [_]) = (self.acts.as_slice(), view.details.as_slice()) {
            return act.amount.as_ref().map(|amount| vec![amount.text.clone()]);
        }
        let all = amounts(&view.details)?;
        let is_all = self.acts.len() == all.len();
        is_all.then(|| sums(&all, texts)).flatten()
    }
}

/// The words of its type for what is done, and to what, where that is short; of a type without them its title.
fn act(detail: &ApprovalDetail, texts: &Texts) -> Sentence {
    let text = &texts.approval;
    let Some(headline) = &detail.headline else {
        let title = brief(&plain(&detail.title), NAME);
        return fill(&text.approve_act, &[("act", &title)]);
    };
    let (does, object) = (headline.does.as_str(), headline.object.as_ref());
    let object = object.map(|object| texts.quotation(&writ_authority::legible(object)));
    let object = object.map(|object| object.to_string());
    let fits = |object: &String| does.chars().count() + object.chars().count() < LONGEST_ACT;
    match object.filter(fits) {
        Some(object) => fill(&text.approve_object, &[("does", does), ("object", &object)]),
        None => fill(&text.approve_act, &[("act", does)]),
    }
}

/// By unit, in the order in which they were asked; the largest of each unit first. Of other things the order stays.
pub(super) fn ordered(details: &[ApprovalDetail]) -> Vec<&ApprovalDetail> {
    let mut order: Vec<&ApprovalDetail> = details.iter().collect();
    if let Some(all) = amounts(details) {
        let first = |unit: &str| all.iter().position(|one| one.unit == unit);
        order.sort_by_cached_key(|detail| {
            let amount = detail.headline.as_ref().and_then(Amount::of);
            amount.map(|one| (first(one.unit), Reverse(one.value)))
        });
    }
    order
}

/// An amount of one act.
struct Amount<'a> {
    does: &'a str,
    unit: &'a str,
    value: Decimal,
    /// Digits after the point, as it is written.
    places: usize,
}

impl<'a> Amount<'a> {
    fn of(headline: &'a Headline) -> Option<Self> {
        let amount = headline.amount.as_ref()?;
        let places = amount.value.split_once('.');
        Some(Self {
            does: &headline.does,
            unit: &amount.unit,
            value: Decimal::parse(&amount.value)?,
            places: places.map_or(0, |(_, places)| places.len()),
        })
    }
}

/// Of each of them, if all are amounts of something.
fn amounts(details: &[ApprovalDetail]) -> Option<Vec<Amount<'_>>> {
    let all = details.iter();
    let all: Option<Vec<_>> = all
        .map(|detail| Amount::of(detail.headline.as_ref()?))
        .collect();
    all.filter(|all| !all.is_empty() && all.iter().all(|one| !one.unit.is_empty()))
}

/// `None` if they are not all for the same, or too large to be added.
fn sums(all: &[Amount<'_>], texts: &Texts) -> Option<Vec<String>> {
    let mut sums: Vec<(&str, Decimal, usize)> = Vec::new();
    let does = all.first()?.does;
    for one in all {
        if one.does != does {
            return None;
        }
        match sums.iter_mut().find(|(unit, ..)| *unit == one.unit) {
            Some((_, sum, places)) => {
                *sum = sum.plus(one.value)?;
                *places = one.places.max(*places);
            }
            None => sums.push((one.unit, one.value, one.places)),
        }
    }
    let sums = sums.into_iter();
    let sums = sums.map(|(unit, sum, places)| texts.amount(&sum.with_places(places), unit));
    Some(sums.collect())
}

/// With more of them the buttons stand below all.
const MOST_ABOVE_BUTTONS: usize = 2;

/// The longest words for an act and its object, in characters: they stand in two lines of the button.
const LONGEST_ACT: usize = 40;

/// The longest amount that fits beside the other button, in characters.
const WIDE: usize = 14;

#[cfg(test)]
mod tests {
    use crate::app_samples as samples;
    use crate::page_tests::read;
    use crate::{ApprovalPage, LevelView, Texts};

    /// Payments of these amounts, with this screen's button.
    fn payments(amounts: &[(&str, &str)]) -> ApprovalPage {
        let mut view = samples::approval();
        let detail = view.screen.details[0].clone();
        let details = amounts.iter().map(|(amount, unit)| {
            let mut detail = detail.clone();
            let mut headline = samples::paying(amount);
            headline.amount.as_mut().unwrap().unit = (*unit).to_owned();
            detail.headline = Some(headline);
            detail
        });
        view.screen.details = details.collect();
        view
    }

    /// What is granted is named by the button, and never below one that stays in reach.
    #[test]
    fn a_button_for_several_amounts_says_their_sums() {
        for (amounts, words, sticks) in [
            (&[("412.00", "EUR")][..], "<bdi>EUR 412.00</bdi>", true),
            (&[("1", "EUR"), ("2.5", "EUR")], "<bdi>EUR 3.5</bdi>", true),
            (
                &[
                    ("1.00", "EUR"),
                    ("2.00", "EUR"),
                    ("3.00", "EUR"),
                    ("99999.00", "EUR"),
                ],
                "<bdi>EUR 100,005.00</bdi>",
                false,
            ),
            (
                &[("1.00", "EUR"), ("5", "USD"), ("2.00", "EUR")],
                "<bdi>EUR 3.00, USD 5</bdi>",
                false,
            ),
            // Too large to be added.
            (
                &[("999999999999999999", "EUR"), ("999999999999999999", "EUR")],
                "all <bdi>2</bdi>",
                true,
            ),
            // Of what is no money a sum says nothing.
            (&[("1", ""), ("2", "")], "all <bdi>2</bdi>", true),
        ] {
            for level in [
                LevelView::Password,
                LevelView::Passkey {
                    options: "{}".to_owned(),
                },
            ] {
                let view = ApprovalPage {
                    level,
                    ..payments(amounts)
                };
                let html = view.page(&Texts::load().unwrap()).html;
                let button = format!("<span>Approve {words}</span>");
                assert!(
                    html.replace('\u{a0}', " ").contains(&button),
                    "{words}: {html}"
                );
                assert_eq!(
                    html.contains("<section class=\"decide below\""),
                    !sticks,
                    "{words}"
                );
            }
        }
    }

    /// What would be done, and to what where that is short; never a part of what the agent wrote.
    #[test]
    fn a_button_says_what_is_done_in_the_words_of_its_type() {
        let long = "x".repeat(40);
        for (does, object, words) in [
            (
                "use the calendar",
                Some("work"),
                "<bdi>use the calendar</bdi> <bdi>“work”</bdi>",
            ),
            (
                "use the calendar",
                Some(&*long),
                "<bdi>use the calendar</bdi>",
            ),
            ("send this mail", None, "<bdi>send this mail</bdi>"),
        ] {
            let mut view = samples::approval();
            view.screen.details[0].headline = Some(writ_authority::Headline {
                does: does.to_owned(),
                amount: None,
                payee: None,
                account: None,
                object: object.map(str::to_owned),
                letter: None,
                line: Vec::new(),
            });
            let html = view.page(&Texts::load().unwrap()).html;
            assert!(
                html.contains(&format!("<span>Approve: {words}</span>")),
                "{words}: {html}"
            );
        }
    }

    /// A sum is only said of what is asked for the same, and of all that is asked.
    #[test]
    fn what_is_not_only_amounts_has_no_sum() {
        let mut refund = payments(&[("1.00", "EUR"), ("2.00", "EUR")]);
        refund.screen.details[1].headline.as_mut().unwrap().does = "take back".to_owned();
        let mut identity = payments(&[("1.00", "EUR")]);
        identity.screen.identity = true;
        let mut calendar = payments(&[("1.00", "EUR"), ("2.00", "EUR")]);
        calendar.screen.details[1].headline = None;
        for view in [refund, identity, calendar] {
            let html = view.page(&Texts::load().unwrap()).html;
            assert!(
                html.contains("<span>Approve all <bdi>2</bdi></span>"),
                "{html}"
            );
        }
    }

    #[test]
    fn the_largest_of_each_unit_stands_first() {
        let view = payments(&[
            ("1.00", "EUR"),
            ("3", "USD"),
            ("20", "USD"),
            ("9.00", "EUR"),
            ("10", "EUR"),
        ]);
        let seen = read(&view.page(&Texts::load().unwrap()).html).replace('\u{a0}', " ");
        let seen = seen.split(" Details ").next().unwrap();
        let mut rest = seen;
        for amount in ["EUR 10", "EUR 9.00", "EUR 1.00", "USD 20", "USD 3"] {
            (_, rest) = rest
                .split_once(amount)
                .unwrap_or_else(|| panic!("{amount}: {seen}"));
        }
    }
}
