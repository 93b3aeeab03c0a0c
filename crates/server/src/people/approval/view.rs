//! Makes the page of a request from its facts. Its whole text is in the `ScreenView`, whose hash the passkey signs.

use serde_json::Value;
use writ_authority::{ARGUMENTS, Authority, Level, Piece};
use writ_core::access_request::{UnconfirmedDefinition, UsedUp};
use writ_core::history::{Unusual, known_payee, unusual};
use writ_core::id::UserId;
use writ_core::pending::Role;
use writ_core::screen::Shown;
use writ_core::target::has_openid;
use writ_pages::{
    AmountView, ApprovalDetail, ApprovalPage, ApprovalProblem, BrowserView, DecidersView,
    DurationView, GrantsView, Hint, LONGEST_WORDS, LevelView, NarrowingView, Page, PartView,
    PurposeView, ResourceWords, RetryView, RoleView, ScreenView, ThroughView, clean, title_of,
};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::choice::{Choice, MINUTES, detail_name, has_boxes, plain, scope_parts};
use super::question::Question;
use super::{Visit, proof, stopping};
use crate::people::elsewhere::is_asking;
use crate::people::error::PageError;
use crate::people::views::{client_view, scopes};

impl Visit<'_> {
    pub(super) async fn page(
        &self,
        question: &Question,
        shown: &Shown,
        choice: &Choice,
        problem: Option<ApprovalProblem>,
    ) -> Result<Page, PageError> {
        let now = self.app.mended_time();
        let (authority, ends_at) = question
            .left(&shown.less, now)
            .map_err(|_| PageError::broken("what was shown cannot be shown again"))?;
        let (level, not_seen) = self.level(question, choice, shown).await?;
        let approval = ApprovalPage {
            person: self.person.frame().await?,
            now,
            screen: self.screen_view(question, &authority, ends_at)?,
            screen_hash: shown.hash().map_err(PageError::broken)?,
            asks_number: question.request.asked.number.is_some(),
            narrowing: self.narrowing(question, choice, now),
            problem: problem.or(not_seen),
            report: stopping::would_do(self, question).await?,
            level,
        };
        Ok(approval.page(self.texts))
    }

    pub(super) fn screen_view(
        &self,
        question: &Question,
        authority: &Authority,
        ends_at: Timestamp,
    ) -> Result<ScreenView, PageError> {
        let (request, catalogue) = (&question.request, &question.catalogue);
        Ok(ScreenView {
            id: request.id.to_string(),
            now: self.app.mended_time(),
            client: client_view(&question.client),
            chain: question.chain.clone(),
            subject_name: question.subject.name.clone(),
            details: self.details(question, authority)?,
            scopes: scopes(catalogue, authority),
            identity: has_openid(authority, catalogue.realm()),
            ends_at,
            grants: match question.asking {
                Some(_) => GrantsView::OneUse,
                None => GrantsView::Task(question.onward.clone()),
            },
            purpose: purpose(question),
            hints: self.hints(question, authority),
            binding_message: request.asked.binding_message.clone(),
            reason: request.asked.reason.clone(),
            resource_words: resource_words(question),
            through: through(question),
            address: request.asked.address.clone(),
            browser: request.asked.consent.as_ref().map(|asked| BrowserView {
                browser: asked.browser.clone(),
                system: asked.system.clone(),
            }),
            asked_at: request.created_at,
            expires_at: request.expires_at,
            user_code: question.user_code.clone(),
            deciders: deciders(question, &self.person.user().id),
            authority: serde_json::to_value(authority).map_err(PageError::broken)?,
            narrowed: *authority != request.asked.authority || ends_at != question.default_end,
        })
    }

    /// An object whose type is not known cannot be shown, so it cannot be approved.
    fn details(
        &self,
        question: &Question,
        authority: &Authority,
    ) -> Result<Vec<ApprovalDetail>, PageError> {
        let language = self.texts.locale();
        let view = |detail: &Detail| {
            let definition = question.catalogue.types.of(detail);
            let definition =
                definition.ok_or_else(|| PageError::broken("a type is not known here"))?;
            Ok(ApprovalDetail {
                reference: place(question, detail),
                title: title_of(definition, language),
                headline: definition.headline(detail, language),
                sentence: definition.pieces(detail, language),
                limits: definition.limits(detail, language),
                values: definition.values(detail, language),
                at: at(question, detail),
                known: {
                    let (subject, newest) = (&question.subject.id, &question.newest);
                    known_payee(detail, subject, newest, &question.catalogue.types)
                },
            })
        };
        authority.details().iter().map(view).collect()
    }

    fn hints(&self, question: &Question, authority: &Authority) -> Vec<Hint> {
        let unconfirmed = question.unconfirmed().map(|why| match why {
            UnconfirmedDefinition::Changed => Hint::DefinitionChanged,
            UnconfirmedDefinition::Unknown => Hint::DefinitionUnknown,
        });
        let beyond = question.beyond(authority, self.texts);
        let (subject, types) = (&question.subject.id, &*question.catalogue.types);
        let unusual = unusual(authority, subject, &question.newest, types);
        let unusual = unusual.into_iter().map(|hint| match hint {
            Unusual::FirstPayee { payee } => Hint::FirstPayee { payee },
            Unusual::More {
                amount,
                largest,
                unit,
            } => Hint::MoreThanUsual {
                amount,
                largest,
                unit,
            },
        });
        let used_up = used_up(question, authority);
        let first = question.is_first(self.app.mended_time());
        let first = first.then_some(Hint::FirstFromAgent);
        let known = first.into_iter().chain(unconfirmed).chain(beyond);
        let called = called_otherwise(question, authority);
        let known = known.chain(called).chain(used_up);
        known.chain(unusual).collect()
    }

    /// The proof that an approval needs, and what is wrong with a liveness result that was brought.
    async fn level(
        &self,
        question: &Question,
        choice: &Choice,
        shown: &Shown,
    ) -> Result<(LevelView, Option<ApprovalProblem>), PageError> {
        if is_asking(self.person, &question.request) {
            return Ok((LevelView::NotHere, None));
        }
        let asked = question.request.asked.level;
        if asked <= Level::Password && self.person.session.level < Level::Passkey {
            return Ok((LevelView::Password, None));
        }
        let options = proof::options(self.person, shown).await?;
        let level = match (asked, options) {
            (Level::Liveness, Some(options)) => {
                return self.live_level(question, choice, shown, options);
            }
            (_, Some(options)) => LevelView::Passkey { options },
            (Level::None | Level::Password, None) => LevelView::Password,
            (_, None) => LevelView::PasskeyMissing,
        };
        Ok((level, None))
    }

    fn narrowing(&self, question: &Question, choice: &Choice, now: Timestamp) -> NarrowingView {
        let language = self.texts.locale();
        let details = question.base.details().iter().enumerate();
        let details = details.map(|(place, detail)| {
            let name = detail_name(place);
            let definition = question.catalogue.types.of(detail);
            PartView {
                sentence: definition.map_or_else(Vec::new, |t| t.pieces(detail, language)),
                chosen: choice.keeps(&name),
                amount: amount(question, detail, choice.amount(&name)),
                reference: name,
            }
        });
        let scopes = scope_parts(question).into_iter().map(|(name, scope)| {
            let (resource, label) = (
                writ_pages::plain(&scope.resource_name),
                scope.label(self.texts),
            );
            let between = if resource.is_empty() || label.is_empty() {
                ""
            } else {
                ": "
            };
            PartView {
                sentence: vec![
                    Piece::Value(resource),
                    Piece::Text(between.to_owned()),
                    Piece::Value(label),
                ],
                chosen: choice.keeps(&name),
                amount: None,
                reference: name,
            }
        });
        let mut parts: Vec<PartView> = details.chain(scopes).collect();
        if !has_boxes(question) {
            parts.clear();
        }
        NarrowingView {
            parts,
            durations: durations(question, choice, now),
        }
    }
}

/// The resources of this object, by the names with which they are registered.
fn at(question: &Question, detail: &Detail) -> Vec<String> {
    let uris = detail.locations().into_iter();
    let uris = uris.filter_map(|uri| ResourceUri::parse(uri).ok());
    uris.map(|uri| question.catalogue.name_of(&uri)).collect()
}

/// The name of this object among all that was asked.
fn place(question: &Question, detail: &Detail) -> String {
    let mut asked = question.base.details().iter();
    let place = asked.position(|other| other.reference() == detail.reference());
    detail_name(place.unwrap_or_default())
}

fn amount(question: &Question, detail: &Detail, chosen: Option<&str>) -> Option<AmountView> {
    let definition = question.catalogue.types.of(detail)?;
    let amount = definition.amounts(detail).into_iter().next()?;
    let most = plain(&amount.value);
    Some(AmountView {
        value: chosen.map_or_else(|| most.clone(), str::to_owned),
        most,
        unit: unit(detail, &amount.pointer),
    })
}

/// What stands as `currency` beside the amount; empty where it counts something else.
pub(super) fn unit(detail: &Detail, amount: &str) -> String {
    let around = amount.rsplit_once('/').map_or("", |(around, _)| around);
    let object = Value::Object(detail.members().clone());
    let unit = object.pointer(&format!("{around}/currency"));
    let unit = unit.and_then(|unit| unit.as_str());
    unit.map(writ_authority::legible).unwrap_or_default()
}

/// A single use cannot be made shorter: it ends with the use.
fn durations(question: &Question, choice: &Choice, now: Timestamp) -> Vec<DurationView> {
    if question.asking.is_some() {
        return Vec::new();
    }
    let longest = question.since(now).until(question.default_end).as_secs() / 60;
    let shorter = MINUTES.into_iter().filter(|m| u64::from(*m) < longest);
    shorter
        .map(|minutes| DurationView {
            minutes,
            chosen: choice.minutes == Some(minutes),
        })
        .collect()
}

fn purpose(question: &Question) -> Option<PurposeView> {
    let task = question.task()?;
    Some(PurposeView {
        words: task.purpose.clone(),
        task: task.id.to_string(),
        approved_at: task.created_at,
    })
}

/// The resource's words, under the name with which it is registered, whatever its challenge or question says.
fn resource_words(question: &Question) -> Option<ResourceWords> {
    let asked = &question.request.asked;
    let challenged = asked.transaction.as_ref();
    let challenged = challenged.map(|said| (&said.resource, &said.reason));
    let access = asked.access.as_ref();
    let access = access.and_then(|said| Some((&said.resource, said.says.as_ref()?)));
    let (resource, words) = challenged.or(access)?;
    Some(ResourceWords {
        name: question.catalogue.name_of(resource),
        words: words.clone(),
    })
}

/// Which resource asks about one action, and what of it is in whose words.
fn through(question: &Question) -> Option<ThroughView> {
    let access = question.request.asked.access.as_ref()?;
    let members = access.resolved.iter();
    let members = members.map(String::as_str).map(path_of);
    Some(ThroughView {
        resource: question.catalogue.name_of(&access.resource),
        resolved: members.collect(),
        retry: match access.call_again {
            true => RetryView::CallsAgain,
            false => RetryView::Waits,
        },
    })
}

/// What the caller calls otherwise than the resource that looked it up.
fn called_otherwise(question: &Question, authority: &Authority) -> Option<Hint> {
    let access = question.request.asked.access.as_ref()?;
    let arguments = authority.details().first()?.members().get(ARGUMENTS)?;
    let mut called = access.called.iter();
    called.find_map(|(by, what)| {
        let (by, what) = (arguments.pointer(by)?, arguments.pointer(what)?);
        let (called, found) = (text_of(by)?, text_of(what)?);
        let is_same = called.trim().to_lowercase() == found.trim().to_lowercase();
        (!is_same).then(|| Hint::CalledOtherwise {
            resource: question.catalogue.name_of(&access.resource),
            called,
            found,
        })
    })
}

/// As it stands between quotation marks; `null` calls it nothing.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(writ_authority::quotable(&text))
}

/// The names of a pointer, as the lines of the arguments have them.
fn path_of(pointer: &str) -> String {
    let names = pointer.split('/').skip(1);
    let names = names.map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.collect::<Vec<_>>().join(" › ")
}

/// What the caller has of its own and does not suffice for this, as it was when the person was asked.
fn used_up(question: &Question, authority: &Authority) -> Option<Hint> {
    let asked = question.request.asked.access.as_ref()?;
    let (detail, used_up) = (authority.details().first()?, asked.used_up.as_ref()?);
    if !used_up.is_short_of(detail, &question.catalogue.types) {
        return None;
    }
    Some(match used_up {
        UsedUp::Once => Hint::OneMore,
        UsedUp::Budget {
            pointer,
            left,
            budget,
        } => Hint::MoreThanLeft {
            left: left.clone(),
            budget: budget.clone(),
            unit: unit(detail, pointer),
        },
    })
}

fn deciders(question: &Question, user: &UserId) -> DecidersView {
    let standing = question.standing;
    let here = question.votes.iter();
    let here = here.filter(|vote| vote.stage == standing.stage);
    let sponsor = question.client.agent.as_ref().map(|agent| &agent.sponsor);
    DecidersView {
        role: role_view(standing.role, user, sponsor),
        need: standing.need,
        of: standing.of,
        agreed: here.map(|vote| clean(&vote.name, LONGEST_WORDS)).collect(),
    }
}

/// A sponsor is a designated approver with a name of their own.
pub fn role_view(role: Role, user: &UserId, sponsor: Option<&UserId>) -> RoleView {
    match role {
        Role::Subject => RoleView::Subject,
        Role::Designated if Some(user) == sponsor => RoleView::Sponsor,
        Role::Designated => RoleView::Designated,
    }
}
