//! Who decides (promise 7): whom the type designates, else whom the agent's record designates, else the subject. Only people
//! who are there and not disabled count, and a step that cannot be fulfilled is refused (promise 6).

use std::collections::BTreeSet;

use writ_authority::Authority;
use writ_wire::error::ErrorCode;
use writ_wire::registration::{ApproversFile, SUBJECT};

use super::{Role, Stage};
use crate::client::Client;
use crate::id::UserId;
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::request::OPENID;

/// Steps as a file names them; none: the subject decides.
pub type Designation<'a> = &'a [ApproversFile];

/// Whom the types of this authority, or the agent's record, designate now. Parts that different people decide about are not
/// asked together: nobody may decide about another's part.
pub fn designation<'a>(
    authority: &Authority,
    client: &'a Client,
    realm: Realm<'a>,
) -> Result<Designation<'a>, Refusal> {
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

/// The steps for this person's request. `find` gives a person who is there and not disabled: by name, or by a role word
/// other than the subject's.
pub fn stages(
    designation: Designation<'_>,
    subject: &UserId,
    find: impl Fn(&str) -> Option<UserId>,
) -> Result<Vec<Stage>, Refusal> {
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
    // Two names may be one person: who answered in one step has no second answer, and a later step would wait for nobody.
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
    let scopes = authority.scopes().iter().any(|s| s.scope != OPENID);
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

fn refused(sentence: &str) -> Refusal {
    Refusal::new(ErrorCode::AccessDenied, sentence)
}

const NOBODY: Designation<'static> = &[];

#[cfg(test)]
#[path = "approvers/tests.rs"]
mod tests;
