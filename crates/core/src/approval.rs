//! What one person's vote does to a pending request: who may vote, at which authentication level, and when the request is
//! decided. An agent never votes; without an answer in time the request expires.

use writ_authority::{Authority, Level, Types};
use writ_wire::claims::{ApprovalBasis, DecidedBy};
use writ_wire::time::Timestamp;

use crate::client::User;
use crate::id::{AGENT_PREFIX, ReceiptId};
use crate::pending::{Decision, PendingRequest, Role, Safeguards, State, Vote};
use crate::task::{Approval, PersonAuthentication};

/// One person before one request.
pub struct Voter<'a> {
    pub request: &'a PendingRequest,
    pub user: &'a User,
    /// Those who agreed so far, in order.
    pub votes: &'a [Vote],
    /// What those agreed to, or what was asked: [`least`].
    pub left: &'a Authority,
    pub now: Timestamp,
    /// Of what this person decides.
    pub receipt: ReceiptId,
}

/// A yes to exactly what was shown.
pub struct Agreement<'a> {
    /// Shown in this very approval, over this very screen.
    pub level: Level,
    /// Of a client that shows a number: what was typed.
    pub typed: Option<u8>,
    pub authority: &'a Authority,
    pub ends_at: Timestamp,
}

/// The kinds of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    Denied,
    /// And whatever this agent does for this person is stopped.
    Stopped,
    /// The person did nothing that could have led to this: the agent is suspended.
    NotMe,
    /// Another number than the agent shows: somebody else's question.
    WrongNumber,
}

/// As what this person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VotingRight {
    pub role: Role,
    pub stage: usize,
    /// How many of `of` must agree.
    pub need: usize,
    pub of: usize,
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum VoteOutcome {
    /// Others must agree too.
    Agreed(Vote),
    Ended(Vote, Box<Decision>),
}

/// Why this answer decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteError {
    /// Nobody asked this person, or nobody may.
    NotAsked,
    /// It is over.
    Ended(State),
    AlreadyAgreed,
    NumberMissing,
    /// The proof is weaker than what is asked.
    TooWeak,
    /// More than was asked: the request is not the one that was shown.
    Changed,
}

impl Denial {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Stopped => "denied and stopped",
            Self::NotMe => "not me",
            Self::WrongNumber => "wrong number",
        }
    }

    pub fn from_reason(text: &str) -> Option<Self> {
        [Self::Denied, Self::Stopped, Self::NotMe, Self::WrongNumber]
            .into_iter()
            .find(|no| no.as_str() == text)
    }
}

/// As what this person may decide now.
pub fn voting_right(
    request: &PendingRequest,
    user: &User,
    now: Timestamp,
) -> Result<VotingRight, VoteError> {
    if user.disabled || user.id.as_str().starts_with(AGENT_PREFIX) {
        return Err(VoteError::NotAsked);
    }
    let (role, stage) = request.role_of(&user.id, now).ok_or(VoteError::NotAsked)?;
    let rule = request.asked.stages.get(stage).ok_or(VoteError::NotAsked)?;
    if !request.is_open(now) {
        return Err(VoteError::Ended(request.state_at(now)));
    }
    let alone = role == Role::Subject
        || request.asked.safeguards.subject_first
        || !request.asked.safeguards.never_alone.contains(&user.id);
    Ok(VotingRight {
        role,
        stage,
        // Who is responsible for the agent needs somebody beside them.
        need: if alone { rule.need } else { rule.need.max(2) },
        of: rule.of.len(),
    })
}

/// A yes. The number is judged last, and a wrong one is a no: whoever cannot prove that they are this person learns nothing of it.
pub fn approve(
    voter: Voter<'_>,
    yes: &Agreement<'_>,
    types: &Types,
) -> Result<VoteOutcome, VoteError> {
    let (request, now) = (voter.request, voter.now);
    let right = voting_right(request, voter.user, now)?;
    if voter.votes.iter().any(|vote| vote.user == voter.user.id) {
        return Err(VoteError::AlreadyAgreed);
    }
    if request.asked.number.is_some() && yes.typed.is_none() {
        return Err(VoteError::NumberMissing);
    }
    if yes.level < request.asked.level.max(Level::Password) {
        return Err(VoteError::TooWeak);
    }
    let within = [&request.asked.authority, voter.left];
    let within = within.map(|whole| whole.covers(yes.authority, types));
    if within.iter().any(Result::is_err) || yes.authority.is_empty() || yes.ends_at <= now {
        return Err(VoteError::Changed);
    }
    let vote = voter.vote(right, yes.level);
    if request
        .asked
        .number
        .is_some_and(|number| yes.typed != Some(number))
    {
        return Ok(voter.ended(vote, Denial::WrongNumber));
    }
    let votes = [voter.votes, std::slice::from_ref(&vote)].concat();
    let Some(deciding) = request.deciding(&votes) else {
        return Ok(VoteOutcome::Agreed(vote));
    };
    let approval = approval(request, &votes, &deciding, now);
    Ok(VoteOutcome::Ended(
        vote,
        Box::new(Decision {
            authority: yes.authority.clone(),
            narrowed: *yes.authority != request.asked.authority,
            ends_at: Some(yes.ends_at),
            approval: Some(approval),
            by: votes,
            reason: None,
        }),
    ))
}

/// What is left of what was asked after these people agreed, in whatever order their clocks put them: no more than any of
/// them saw.
pub fn least<'a>(
    asked: &Authority,
    agreed: impl IntoIterator<Item = &'a Authority>,
    types: &Types,
) -> Authority {
    let smaller = |left: Authority, seen: &Authority| {
        // As it was written, where one is below the other: people read it again.
        match (left.covers(seen, types), seen.covers(&left, types)) {
            (_, Ok(())) => left,
            (Ok(()), _) => seen.clone(),
            _ => left.meet(seen, types),
        }
    };
    agreed.into_iter().fold(asked.clone(), smaller)
}

/// A no of anybody who is asked ends it, whoever agreed before.
pub fn deny(voter: Voter<'_>, why: Denial) -> Result<VoteOutcome, VoteError> {
    let right = voting_right(voter.request, voter.user, voter.now)?;
    let vote = voter.vote(right, Level::None);
    Ok(voter.ended(vote, why))
}

/// Of everybody who agreed the weakest proof counts; whose roles and numbers, the deciding ones among them.
fn approval(
    request: &PendingRequest,
    votes: &[Vote],
    deciding: &[Vote],
    now: Timestamp,
) -> Approval {
    let level = votes.iter().map(|vote| vote.level).min();
    let level = level.unwrap_or(Level::Password);
    Approval {
        id: request.id.clone(),
        basis: basis(level),
        at: now,
        // Of the subject alone (RFC 9068 section 2.2.1): another's proof says nothing about them.
        authentication: votes
            .iter()
            .find(|vote| vote.role == Role::Subject)
            .map(|vote| PersonAuthentication::of(vote.level, vote.at)),
        transaction: None,
        by: Some(decided_by(&request.asked.safeguards, deciding)),
        people: u32::try_from(deciding.len()).unwrap_or(u32::MAX),
        // Kept when it is fetched: whoever is designated by then is compared with whoever was asked.
        designation: None,
    }
}

/// A subject whom the designation names decides as one of the designated.
fn decided_by(safeguards: &Safeguards, votes: &[Vote]) -> DecidedBy {
    let has = |role| votes.iter().any(|vote| vote.role == role);
    match (has(Role::Subject), has(Role::Designated)) {
        _ if safeguards.subject_by_name => DecidedBy::Designated,
        (true, true) => DecidedBy::Both,
        (false, true) => DecidedBy::Designated,
        (_, false) => DecidedBy::Subject,
    }
}

const fn basis(level: Level) -> ApprovalBasis {
    match level {
        Level::None | Level::Password => ApprovalBasis::Password,
        Level::Passkey => ApprovalBasis::Passkey,
        Level::Liveness => ApprovalBasis::Liveness,
    }
}

impl VoteOutcome {
    /// Which no it is, if it is one.
    pub fn denial(&self) -> Option<Denial> {
        match self {
            Self::Agreed(_) => None,
            Self::Ended(_, decision) => decision.reason.as_deref().and_then(Denial::from_reason),
        }
    }
}

impl Voter<'_> {
    fn ended(&self, vote: Vote, why: Denial) -> VoteOutcome {
        let decision = Decision {
            authority: Authority::default(),
            narrowed: false,
            ends_at: None,
            approval: None,
            by: [self.votes, std::slice::from_ref(&vote)].concat(),
            reason: Some(why.as_str().to_owned()),
        };
        VoteOutcome::Ended(vote, Box::new(decision))
    }

    fn vote(&self, right: VotingRight, level: Level) -> Vote {
        Vote {
            user: self.user.id.clone(),
            name: self.user.name.clone(),
            role: right.role,
            stage: right.stage,
            at: self.now,
            level,
            receipt: self.receipt.clone(),
        }
    }
}

#[cfg(test)]
#[path = "approval/tests.rs"]
mod tests;
