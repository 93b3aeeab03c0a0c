//! Which questions are the same one, and which takes the place of an older one.

use writ_authority::Authority;
use writ_jose::hash;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use super::{AskedAccess, EvaluatedAction};
use crate::id::{ClientId, DelegationId, TaskId};
use crate::lineage::Lineage;
use crate::pending::PendingRequest;

/// Whose question it is: the same for as long as it is open.
#[derive(Clone, Copy, Debug)]
pub struct QuestionAsker<'a> {
    pub client: &'a ClientId,
    pub delegation: &'a DelegationId,
    pub task: &'a TaskId,
}

impl<'a> QuestionAsker<'a> {
    pub const fn of(lineage: &'a Lineage) -> Self {
        Self {
            client: &lineage.leaf.holder,
            delegation: &lineage.leaf.id,
            task: &lineage.task.id,
        }
    }
}

/// The same for the same question: of one delegation, client, task and resource about one object under one definition, with the same
/// meaning of a yes.
pub fn asked_hash(asker: QuestionAsker<'_>, question: &AskedAccess) -> String {
    let action = SameAction {
        resource: &question.resource,
        object: &question.object,
        definition_hash: question.definition_hash.as_deref(),
        described: question.described.as_deref(),
    };
    same_question(asker, action, question.call_again)
}

/// Under which a call that comes again finds its approval.
pub fn called_again(asker: QuestionAsker<'_>, action: EvaluatedAction<'_>) -> String {
    let same = SameAction {
        resource: &action.resource.uri,
        object: action.object,
        definition_hash: action.definition_hash,
        described: action.described,
    };
    same_question(asker, same, true)
}

/// Of the same call, however its client is made to wait: [`asked_hash`] of both ways.
pub fn hashes_of_call(asker: QuestionAsker<'_>, question: &AskedAccess) -> [String; 2] {
    let action = SameAction {
        resource: &question.resource,
        object: &question.object,
        definition_hash: question.definition_hash.as_deref(),
        described: question.described.as_deref(),
    };
    [false, true].map(|call_again| same_question(asker, action, call_again))
}

#[derive(Clone, Copy)]
struct SameAction<'a> {
    resource: &'a ResourceUri,
    object: &'a str,
    definition_hash: Option<&'a str>,
    described: Option<&'a str>,
}

/// Whether `newer` asks about the same call as `older`, which is described or defined otherwise by now: it takes its place.
pub fn takes_the_place_of(newer: &PendingRequest, older: &PendingRequest) -> bool {
    let questions = newer.asked.access.as_ref().zip(older.asked.access.as_ref());
    let Some((new, old)) = questions else {
        return false;
    };
    let is_same_call = newer.asked_by == older.asked_by
        && newer.task == older.task
        && newer.client == older.client
        && new.resource == old.resource
        && new.action == old.action
        && arguments(&newer.asked.authority) == arguments(&older.asked.authority);
    let is_otherwise = new.described != old.described || new.definition_hash != old.definition_hash;
    is_same_call && is_otherwise
}

/// Of what is asked, without the names and the version of its type.
fn arguments(authority: &Authority) -> Option<Detail> {
    let [detail] = authority.details() else {
        return None;
    };
    Some(detail.clone().without("ref").without("type_hash"))
}

fn same_question(asker: QuestionAsker<'_>, action: SameAction<'_>, call_again: bool) -> String {
    let again: &[u8] = if call_again { b"again" } else { b"" };
    let mut parts: Vec<&[u8]> = vec![
        b"access",
        asker.delegation.as_str().as_bytes(),
        asker.client.as_str().as_bytes(),
        asker.task.as_str().as_bytes(),
        action.resource.as_str().as_bytes(),
        action.object.as_bytes(),
        again,
    ];
    // Without one it is what it was before definitions were kept: an open question stays the same one.
    parts.extend(action.definition_hash.map(str::as_bytes));
    if let Some(described) = action.described {
        parts.extend([b"described", described.as_bytes()]);
    }
    hash::digest_text(&parts)
}
