//! What a decision about an authority needs: who decides, how many of them, how strongly they must show that it is them, and
//! whether an older login counts. Every way to an object asks here: authorization requests, codes, refresh,
//! `client_credentials`, token exchange, CIBA, the device flow and transaction challenges (docs/design/approval.md).

use std::collections::BTreeSet;

use writ_authority::{AskRule, Authority, DecidedPeople, Level, TypeDefinition, Types, Usage};
use writ_wire::claims::ApprovalBasis;
use writ_wire::rar::Detail;

use crate::client::Client;
use crate::id::UserId;
use crate::oauth_error::OAuthError;
use crate::pending::{Designation, designation, designation_digest};
use crate::realm::Realm;
use crate::task::{Approval, Task, level_of};

/// What a decision needs.
pub struct Requirements<'a> {
    /// Whom the types of the objects designate; else, whom the agent's record designates. Empty: the subject decides.
    designated: Result<Designation<'a>, OAuthError>,
    pub subject: SubjectPart,
    /// The weakest answer that counts: at least a password, and what each type asks for.
    pub level: Level,
    /// The weakest login before a consent, likewise.
    pub login: Level,
    /// Whether a consent is given on another device than the browser that asks, or not at all.
    pub elsewhere: bool,
    /// Whether a person must have proved who they are in this very interaction.
    pub fresh: bool,
    /// Whom the record of the agent whose task it is designates, where no type does.
    record: Designation<'a>,
    objects: Vec<ObjectRequirement<'a>>,
}

/// What the person on whose behalf it is has to do with the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectPart {
    /// Nobody is designated: the subject alone decides.
    Alone,
    /// The subject decides first, then the designated.
    First,
    /// Within a task that the subject approved, for what that task covers, the designated decide instead.
    Replaced,
}

/// What one object needs, by one version of its type.
struct ObjectRequirement<'a> {
    /// Its place among the objects.
    place: usize,
    /// `None`: no version of the type is known here.
    definition: Option<&'a TypeDefinition>,
    needs_person: bool,
}

/// What a decision about this authority needs. `subject`: on whose behalf; `None` where no person is behind it, or is not known yet.
/// `task`: the task that it would belong to; `None` where it opens one. Objects are judged by the version under which they
/// were granted and by the current one, whichever asks for more.
pub fn requirements<'a>(
    authority: &Authority,
    client: &'a Client,
    subject: Option<&UserId>,
    task: Option<&Task>,
    realm: Realm<'a>,
) -> Requirements<'a> {
    let designated = designation(authority, client, realm);
    let objects: Vec<ObjectRequirement<'_>> = authority
        .details()
        .iter()
        .enumerate()
        .flat_map(|(place, detail)| of_object(place, detail, realm))
        .collect();
    let level = objects.iter().map(ObjectRequirement::level).max();
    let login = objects.iter().map(ObjectRequirement::login_level).max();
    let by_type = objects.iter().any(ObjectRequirement::designates);
    let own = |task: &&Task| {
        let of_subject = subject.is_some_and(|id| id.as_str() == task.subject.as_str());
        // A record's approvers count within its own tasks, and only a task to which the subject agreed speaks for them.
        of_subject
            && task.approval.authentication.is_some()
            && (by_type || task.client == client.id)
    };
    let of_agent = task.filter(|task| !by_type && task.client == client.id);
    let record = of_agent.and(client.agent.as_ref());
    let subject = match task.filter(own) {
        _ if matches!(designated, Ok([])) => SubjectPart::Alone,
        Some(task) if is_within(task, authority, realm) => SubjectPart::Replaced,
        _ => SubjectPart::First,
    };
    Requirements {
        designated,
        subject,
        level: level.unwrap_or(Level::None).max(Level::Password),
        login: login.unwrap_or(Level::None).max(Level::Password),
        elsewhere: objects.iter().any(ObjectRequirement::is_elsewhere),
        fresh: objects.iter().any(|object| object.needs_person),
        record: record.map_or(&[], |agent| &agent.approvers),
        objects,
    }
}

impl<'a> Requirements<'a> {
    /// Whom the types of the objects designate; else, whom the agent's record designates; empty: the subject decides. Refused
    /// where different people decide about the parts.
    pub fn designated(&self) -> Result<Designation<'a>, OAuthError> {
        self.designated.clone()
    }

    /// Whether the subject may open a task with it by consenting in the browser: not where a type designates others.
    pub fn allow_consent(&self) -> Result<(), OAuthError> {
        match self.objects.iter().find(|object| object.designates()) {
            Some(object) => Err(object.ask_people("others than the person decide about it")),
            None => Ok(()),
        }
    }

    /// Whether an agent may have it as its own work, without anybody being asked.
    pub fn allow_own_work(&self) -> Result<(), OAuthError> {
        self.allow_consent()?;
        match self.objects.iter().find(|object| object.needs_person) {
            Some(object) => Err(object.ask_people("a person decides about it")),
            None => Ok(()),
        }
    }

    /// Whether what was agreed to is enough for each object, as its type asks now, and by those whom the record of the agent
    /// whose task it is designates now.
    pub fn met_by(&self, approval: &Approval) -> Result<(), OAuthError> {
        if let Some(object) = self.objects.iter().find(|object| !object.met_by(approval)) {
            return Err(object.ask_people("what was agreed to is not what its type asks for"));
        }
        match decided_by(approval, self.record) {
            true => Ok(()),
            false => Err(OAuthError::invalid_request(
                "others than those who agreed decide about it now: ask for it at `/bc-authorize`",
            )),
        }
    }
}

impl ObjectRequirement<'_> {
    /// An object whose type is not known needs the most.
    fn level(&self) -> Level {
        self.definition
            .map_or(Level::Liveness, TypeDefinition::level)
    }

    fn login_level(&self) -> Level {
        self.definition
            .map_or(Level::Liveness, TypeDefinition::login_level)
    }

    fn is_elsewhere(&self) -> bool {
        self.definition.is_some_and(TypeDefinition::elsewhere)
    }

    fn designates(&self) -> bool {
        self.definition
            .is_none_or(|known| !known.approvers().is_empty())
    }

    fn met_by(&self, approval: &Approval) -> bool {
        let Some(definition) = self.definition else {
            return false;
        };
        let people = approval.by.map(|by| DecidedPeople {
            by,
            people: approval.people,
        });
        let stages = definition.approvers();
        let enough = stages.is_empty() || people.is_some_and(|people| people.fulfil(stages));
        let by_those = enough && decided_by(approval, stages);
        match approval.basis {
            ApprovalBasis::Policy => !self.needs_person && stages.is_empty(),
            _ => by_those && reached(approval) >= self.level(),
        }
    }

    fn ask_people(&self, why: &str) -> OAuthError {
        OAuthError::invalid_details(format!(
            "`/{}/type`: {why}: ask for it at `/bc-authorize`",
            self.place
        ))
    }
}

/// About which uses of an object people are asked, however much was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedUse {
    Each,
    /// Each above the amount that the type names.
    AboveLimit,
}

/// About which uses of its objects the policy of a type asks; `None`: about none.
pub fn asked_use(definition: &TypeDefinition) -> Option<AskedUse> {
    match definition.ask() {
        _ if !definition.approvers().is_empty() => Some(AskedUse::Each),
        AskRule::Always => Some(AskedUse::Each),
        AskRule::Above(_) => Some(AskedUse::AboveLimit),
        AskRule::Never => None,
    }
}

/// Whether it was this designation by which they decided. Where nobody is designated now, the subject who agreed is enough.
fn decided_by(approval: &Approval, designation: Designation<'_>) -> bool {
    let kept = approval.designation.as_ref();
    designation.is_empty() || kept.is_none_or(|kept| *kept == designation_digest(designation))
}

/// How strongly people agreed; a consent reached what the login before it was.
pub fn reached(approval: &Approval) -> Level {
    match approval.basis {
        ApprovalBasis::Policy => Level::None,
        ApprovalBasis::Consent => {
            let login = approval.authentication.as_ref();
            let login = login.and_then(|login| level_of(&login.acr));
            login.unwrap_or(Level::None)
        }
        ApprovalBasis::Password => Level::Password,
        ApprovalBasis::Passkey => Level::Passkey,
        ApprovalBasis::Liveness => Level::Liveness,
    }
}

/// Whether the task's own authority covers it, whatever names the objects were given when they were asked for.
pub fn is_within(task: &Task, authority: &Authority, realm: Realm<'_>) -> bool {
    bound_to(task, authority, realm).is_some()
}

/// The same authority by the names of the objects of the task that cover it, so that what is used once, or counted, is counted
/// with them; `None` for an excess. Each object that may be used once covers one.
pub fn bound_to(task: &Task, authority: &Authority, realm: Realm<'_>) -> Option<Authority> {
    let granted = &task.authority;
    let mut used = BTreeSet::new();
    let mut details = Vec::new();
    for detail in authority.details() {
        let covering = |object: &&Detail| covers(object, detail, realm.types);
        let mut covering = granted.details().iter().filter(covering);
        let reference = covering.find_map(|object| {
            let name = object.reference()?.to_owned();
            let once = realm.types.of(object)?.usage() == Usage::Once;
            (!once || used.insert(name.clone())).then_some(name)
        })?;
        details.push(detail.clone().with("ref", reference.into()));
    }
    let rest = authority.scopes().is_subset(granted.scopes())
        && authority.resources().is_subset(granted.resources());
    rest.then(|| {
        let resources = authority.resources().clone();
        Authority::new(authority.scopes().clone(), details, resources)
    })
}

/// As one authority covers another: what the asked object leaves out is asked without limit.
fn covers(granted: &Detail, asked: &Detail, types: &Types) -> bool {
    let Some(reference) = granted.reference() else {
        return false;
    };
    let alone = |detail: Detail| Authority::new(BTreeSet::new(), vec![detail], BTreeSet::new());
    let asked = asked.clone().with("ref", reference.into());
    alone(granted.clone()).covers(&alone(asked), types).is_ok()
}

/// By the version of its grant, and by the current one if that is another.
fn of_object<'a>(
    place: usize,
    detail: &Detail,
    realm: Realm<'a>,
) -> impl Iterator<Item = ObjectRequirement<'a>> {
    let granted = realm.types.of(detail);
    let current = realm.types.by_name(detail.type_name());
    let other = current.filter(|now| granted.is_some_and(|then| then.hash() != now.hash()));
    let definitions = std::iter::once(granted).chain(other.map(Some));
    let needs = |definition: Option<&TypeDefinition>| {
        definition.is_none_or(|known| known.ask().needs_person(detail))
    };
    let requirements: Vec<ObjectRequirement<'a>> = definitions
        .map(|definition| ObjectRequirement {
            place,
            definition,
            needs_person: needs(definition),
        })
        .collect();
    requirements.into_iter()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_type_asks_about_each_use_or_above_its_limit_or_never() {
        let payment = include_str!("../../../config/types/payment.json");
        let asks = |changes: Value| {
            let mut document: Value = serde_json::from_str(payment).unwrap();
            for (member, value) in changes.as_object().unwrap() {
                document[member] = value.clone();
            }
            asked_use(&TypeDefinition::parse(&document.to_string()).unwrap())
        };
        let above = json!({ "pointer": "/instructed_amount/amount", "limit": "50.00" });
        let two = json!([{ "of": ["bob"], "need": 1 }]);
        for (changes, expected) in [
            (json!({}), Some(AskedUse::Each)),
            (
                json!({ "ask": { "above": above } }),
                Some(AskedUse::AboveLimit),
            ),
            (json!({ "ask": "never" }), None),
            (
                json!({ "ask": "never", "approvers": two }),
                Some(AskedUse::Each),
            ),
        ] {
            assert_eq!(asks(changes.clone()), expected, "{changes}");
        }
    }
}
