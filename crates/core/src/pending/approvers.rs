//! Who decides: whom the type designates, else whom the agent's record designates, else the subject; and where the subject
//! decides beside them. Only people who exist and are not disabled count, and a stage that cannot be fulfilled is refused.

use std::collections::BTreeSet;

use writ_authority::Authority;
use writ_jose::hash;
use writ_wire::error::ErrorCode;
use writ_wire::registration::{ApproversFile, SUBJECT};

use super::{Role, Safeguards, Stage};
use crate::client::Client;
use crate::id::UserId;
use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::requirements::{Requirements, SubjectPart};
use crate::scope::is_identity;

/// Stages as a file names them; none: the subject decides.
pub type Designation<'a> = &'a [ApproversFile];

/// Whom the types of this authority, or the agent's record, designate now. Parts that different people decide about are not
/// asked together: nobody may decide about another's part.
pub fn designation<'a>(
    authority: &Authority,
    client: &'a Client,
    realm: Realm<'a>,
) -> Result<Designation<'a>, OAuthError> {
    let by_type = authority.details().iter().map(|detail| {
        let current = realm.types.by_name(detail.type_name());
        current.map_or(NOBODY, |definition| definition.approvers())
    });
    let mut parts: Vec<Designation<'_>> = by_type.collect();
    if parts.iter().all(|part| part.is_empty()) {
        return Ok(client.agent.as_ref().map_or(NOBODY, |a| &a.approvers));
    }
    if has_more(authority, realm) {
        parts.push(NOBODY);
    }
    match parts.split_first() {
        Some((first, rest)) if rest.iter().all(|part| part == first) => Ok(first),
        _ => Err(refused(
            "different people decide about the parts of this request: ask for each of them alone",
        )),
    }
}

/// The same for the same people in the same stages, whether a type or a record names them, and in whatever order a stage does.
/// To name nobody, or nobody but the subject, is one.
pub fn designation_digest(designation: Designation<'_>) -> String {
    let is_subject = |stage: &ApproversFile| stage.of == [SUBJECT];
    let mut parts = vec![b"designation".to_vec()];
    if !designation.iter().all(is_subject) {
        for stage in designation {
            let names: BTreeSet<&str> = stage.of.iter().map(String::as_str).collect();
            parts.push(format!("{} of {}", stage.need, names.len()).into_bytes());
            parts.extend(names.into_iter().map(|name| name.as_bytes().to_vec()));
        }
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    hash::digest_text(&parts)
}

/// Who decides about one request, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciders {
    pub stages: Vec<Stage>,
    pub safeguards: Safeguards,
}

/// Who decides for this person, by what the decision needs. `responsible`: owner and sponsor of each agent that asks. `find` gives a person who exists and is not disabled: by name, or by
/// a role word other than the subject's.
pub fn deciders(
    requirements: &Requirements<'_>,
    responsible: &BTreeSet<UserId>,
    subject: &UserId,
    find: impl Fn(&str) -> Option<UserId>,
) -> Result<Deciders, OAuthError> {
    let designation = requirements.designated()?;
    let stages = stages(designation, subject, &find)?;
    let others = responsible.iter().filter(|user| *user != subject);
    let never_alone: BTreeSet<UserId> = others.cloned().collect();
    let names = designation.iter().flat_map(|stage| &stage.of);
    let subject_by_name = names
        .filter(|name| name.as_str() != SUBJECT)
        .any(|name| find(name).as_ref() == Some(subject));
    let alone = stages
        .iter()
        .any(|stage| stage.of.iter().all(|user| never_alone.contains(user)));
    let safeguards = Safeguards {
        subject_first: false,
        never_alone,
        subject_by_name,
    };
    if requirements.subject == SubjectPart::First || alone {
        return Ok(subject_first(stages, subject, safeguards));
    }
    Ok(Deciders { stages, safeguards })
}

/// The subject's stage comes before the others, in which the subject has no second answer. A later stage that their answer alone
/// fulfilled would be silence that means yes: it goes.
fn subject_first(stages: Vec<Stage>, subject: &UserId, safeguards: Safeguards) -> Deciders {
    let mut others: Vec<Stage> = Vec::new();
    for mut stage in stages {
        if stage.of.contains(subject) {
            stage.of.retain(|user| user != subject);
            stage.need -= 1;
        }
        match (stage.need, others.is_empty()) {
            (0, true) => break,
            (0, false) => {}
            _ => others.push(stage),
        }
    }
    let own = Stage {
        role: Role::Subject,
        of: vec![subject.clone()],
        need: 1,
    };
    Deciders {
        safeguards: Safeguards {
            subject_first: !others.is_empty(),
            ..safeguards
        },
        stages: std::iter::once(own).chain(others).collect(),
    }
}

/// The stages for this person's request. `find` gives a person who is there and not disabled: by name, or by a role word
/// other than the subject's.
fn stages(
    designation: Designation<'_>,
    subject: &UserId,
    find: &impl Fn(&str) -> Option<UserId>,
) -> Result<Vec<Stage>, OAuthError> {
    if designation.is_empty() {
        return Ok(vec![Stage {
            role: Role::Subject,
            of: vec![subject.clone()],
            need: 1,
        }]);
    }
    let person = |name: &str| match name {
        SUBJECT => Some(subject.clone()),
        name => find(name),
    };
    let stage = |file: &ApproversFile| {
        let of: BTreeSet<UserId> = file.of.iter().filter_map(|name| person(name)).collect();
        if of.len() < file.need {
            return Err(refused("too few of those who decide about this are there"));
        }
        let alone = of.len() == 1 && of.contains(subject);
        Ok(Stage {
            role: if alone {
                Role::Subject
            } else {
                Role::Designated
            },
            of: of.into_iter().collect(),
            need: file.need,
        })
    };
    let stages: Vec<Stage> = designation.iter().map(stage).collect::<Result<_, _>>()?;
    let mut seen = BTreeSet::new();
    // Two names may be one person: who answered in one stage has no second answer, and a later stage would wait for nobody.
    if stages
        .iter()
        .flat_map(|stage| &stage.of)
        .all(|user| seen.insert(user))
    {
        Ok(stages)
    } else {
        Err(refused(
            "one person is meant by two of the steps that decide about this",
        ))
    }
}

/// Whether something is asked that is no object of a type; to say who somebody is does not count.
fn has_more(authority: &Authority, realm: Realm<'_>) -> bool {
    let scopes = authority.scopes().iter().any(|s| !is_identity(&s.scope));
    let placed = |uri| {
        let view = authority.view(uri);
        !view.details().is_empty() || !view.scopes().is_empty()
    };
    let bare = authority
        .resources()
        .iter()
        .any(|uri| uri != realm.issuer && !placed(uri));
    scopes || bare
}

fn refused(sentence: &str) -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, sentence)
}

const NOBODY: Designation<'static> = &[];

#[cfg(test)]
#[path = "approvers/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "approvers/deciders_tests.rs"]
mod deciders_tests;
