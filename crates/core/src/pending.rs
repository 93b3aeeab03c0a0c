//! Pending requests, which wait for a person's decision: CIBA, the device flow (RFC 8628), transaction challenges of resource
//! servers, what they ask about one action, and consents that are given away from the browser that asks. States and who may decide; each transition is one guarded statement of `store`.

mod approvers;
mod close;
mod create;
mod kind;
mod poll;
mod redeem;
mod status;

pub use approvers::{Deciders, Designation, deciders, designation, designation_digest};
pub use close::Ending;
pub use create::{
    PendingFacts, PreparedApproval, check_chain, content_hash, create, is_same_content,
};
pub use kind::{Kind, State};
pub use poll::{Hasty, Poll, poll};
pub use redeem::{
    JudgedApproval, RedeemedApproval, RedemptionFacts, RedemptionIds, SINGLE_USE_LIFETIME,
    judge_again, redeem,
};
pub use status::{
    CANCELLED, DESCRIBED_ANEW, InconsistentStatus, PendingStatus, RECOVERED, REPORTED, RedeemedFor,
    STOPPED, SUPERSEDED, TAKEN_BACK, TransitionError, WITHDRAWN,
};
pub use writ_wire::registration::{Delivery, MAX_APPROVERS, MAX_STAGES};

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_authority::{Authority, Level};
use writ_jose::key::Thumbprint;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::access_request::AskedAccess;
use crate::elsewhere::AskedConsent;
use crate::id::{ApprovalId, ClientId, DelegationId, ReceiptId, TaskId, UserId};
use crate::onward::Onward;
use crate::task::Approval;

/// Seconds between two polls, unless the client was told to slow down (CIBA 7.3, RFC 8628 section 3.2).
pub const POLL_INTERVAL: u32 = 5;
/// What each hasty poll adds to the interval for good (CIBA 11, RFC 8628 section 3.5).
pub const SLOW_DOWN: u32 = 5;
/// Hasty polls after which the request is over for its client.
pub const MAX_HASTY_POLLS: u32 = 20;
/// The longest and the usual wait for a person.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);
pub const USUAL_WAIT: Duration = Duration::from_secs(300);
pub const SHORTEST_WAIT: Duration = Duration::from_secs(10);
/// A request to poll may be held this long (CIBA 10.1.1: at most 30 seconds).
pub const LONGEST_POLL: Duration = Duration::from_secs(25);

/// Why somebody may decide; the receipt names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person on whose behalf it would be done.
    Subject,
    /// Designated by the type or by the agent's record.
    Designated,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Designated => "designated",
        }
    }
}

/// One stage of who decides; silence leads to the next one, and after the last to no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub role: Role,
    pub of: Vec<UserId>,
    /// How many of them must agree. One of them who denies ends it.
    pub need: usize,
}

/// Conditions of a decision beside the numbers of its stages. Kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Safeguards {
    /// The first stage is the subject's, who must agree before the people of the others are asked, and beside them.
    pub subject_first: bool,
    /// Whoever owns or sponsors the asking agent: their answers need one of another person, or the subject's, beside them.
    pub never_alone: BTreeSet<UserId>,
    /// The designation names the subject as a person: they decide as one of the designated.
    pub subject_by_name: bool,
}

/// What is asked; never changes while it waits. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub authority: Authority,
    /// Shown as the agent's words, or typed by the person (`binding_message`).
    pub binding_message: Option<String>,
    /// What the client says it is for; shown as its words.
    pub reason: Option<String>,
    /// The weakest answer that counts: the types' level and `acr_values`, at least a password.
    pub level: Level,
    /// In order; never empty, except before a person took a device request.
    pub stages: Vec<Stage>,
    #[serde(default)]
    pub safeguards: Safeguards,
    pub delivery: Delivery,
    /// Two digits that the client shows and the person types.
    pub number: Option<u8>,
    /// Address from which it was asked, as far as it is known.
    pub address: Option<String>,
    /// `openid` of the request wants an ID token.
    pub identity: bool,
    /// To whom what is approved may go on, by the client's record when it asked: everybody who decides sees the same.
    #[serde(default = "Onward::nobody")]
    pub onward: Onward,
    /// What a resource server challenged for; absent for every other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
    /// The one action that a resource server asks about; absent for every other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AskedAccess>,
    /// The browser for which a person's own device is asked; absent for every other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<AskedConsent>,
}

/// The operation that a resource server wants a person for, as its verified challenge says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The registered resource server that signed.
    pub resource: ResourceUri,
    /// Comes back in the token.
    pub txn: String,
    /// Its words to the person; shown as such.
    pub reason: String,
    /// Of the challenge, for the record.
    pub jti: String,
}

/// A request that waits for a person, as it is found.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingRequest {
    pub id: ApprovalId,
    pub kind: Kind,
    /// Of `auth_req_id`, `device_code` or `transaction_authorization_id`; an access request's handle is its id.
    pub digest: String,
    pub client: ClientId,
    /// Absent until a person takes a device request.
    pub subject: Option<UserId>,
    pub status: PendingStatus,
    pub asked: Asked,
    /// The same for the same question: duplicates collapse.
    pub asked_hash: String,
    /// The key that must redeem it, if one was shown when it was asked.
    pub jkt: Option<Thumbprint>,
    /// The delegation of the chain that asked, and its task; absent where the approval opens a task.
    pub asked_by: Option<DelegationId>,
    pub task: Option<TaskId>,
    pub polling: Polling,
    /// Stages of escalation that were announced.
    pub stage: usize,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The poll limiter: the first poll is free, the interval only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Seconds.
    pub interval: u32,
    pub last: Option<Timestamp>,
    pub hasty: u32,
}

/// How it ended. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What was approved: all of what was asked, or less; empty for no.
    pub authority: Authority,
    pub narrowed: bool,
    /// The person chose an earlier end.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// Absent for no.
    pub approval: Option<Approval>,
    /// Everybody who decided, in order.
    pub by: Vec<Vote>,
    /// Why not: for the record, never for the client.
    #[serde(default)]
    pub reason: Option<String>,
}

/// One person's part of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    pub user: UserId,
    pub name: String,
    pub role: Role,
    pub stage: usize,
    pub at: Timestamp,
    pub level: Level,
    pub receipt: ReceiptId,
}

impl Asked {
    /// What somebody must be allowed to have anyway for this authority: [`AskedAccess::measured`].
    pub fn measured<'a>(&self, authority: &'a Authority) -> Cow<'a, Authority> {
        match &self.access {
            Some(question) => Cow::Owned(question.measured(authority)),
            None => Cow::Borrowed(authority),
        }
    }

    /// How many people must agree until this stage decides, the subject before it included.
    pub fn people_needed(&self, stage: usize) -> usize {
        let need = |place: usize| self.stages.get(place).map_or(1, |stage| stage.need);
        match self.safeguards.subject_first {
            true => 1 + need(stage.max(1)),
            false => need(stage),
        }
    }
}

impl PendingRequest {
    /// As it is now: what nobody decided or redeemed in time is expired, also before the background work says so.
    pub fn status_at(&self, now: Timestamp) -> &PendingStatus {
        match &self.status {
            PendingStatus::Pending | PendingStatus::Viewed | PendingStatus::Approved(_)
                if now >= self.expires_at =>
            {
                &PendingStatus::Expired { unfetched: None }
            }
            status => status,
        }
    }

    pub const fn state(&self) -> State {
        self.status.state()
    }

    pub fn state_at(&self, now: Timestamp) -> State {
        self.status_at(now).state()
    }

    pub const fn decision(&self) -> Option<&Decision> {
        self.status.decision()
    }

    pub fn is_superseded(&self) -> bool {
        self.status == PendingStatus::Superseded
    }

    /// A person's no, and not the end of all that its agent or its resource asked.
    pub fn is_persons_no(&self) -> bool {
        matches!(&self.status, PendingStatus::Denied(no) if !no.was_stopped())
    }

    pub fn is_open(&self, now: Timestamp) -> bool {
        self.status_at(now).is_open()
    }

    /// The stage of escalation at that time: each has an equal share of the wait; after a subject who decides first, the one that
    /// was announced, because only their yes leads on.
    pub fn stage_at(&self, now: Timestamp) -> usize {
        if self.asked.safeguards.subject_first {
            return self.stage;
        }
        let stages = self.asked.stages.len().max(1);
        let whole = self.created_at.until(self.expires_at).as_micros().max(1);
        let passed = self.created_at.until(now).as_micros().min(whole);
        let stages_wide = u128::try_from(stages).unwrap_or(1);
        usize::try_from(passed * stages_wide / whole)
            .unwrap_or(0)
            .min(stages - 1)
    }

    /// Whether one yes may leave it open.
    pub fn may_need_several(&self) -> bool {
        let asked = &self.asked;
        asked.stages.iter().any(|stage| stage.need > 1)
            || asked.safeguards.subject_first
            || !asked.safeguards.never_alone.is_empty()
    }

    /// Whether this vote is the subject's yes for which the others wait.
    pub fn opens_next_stage(&self, vote: &Vote) -> bool {
        self.asked.safeguards.subject_first && self.stage == 0 && vote.stage == 0
    }

    /// As whom this person may decide now: in a stage that has come.
    pub fn role_of(&self, user: &UserId, now: Timestamp) -> Option<(Role, usize)> {
        let come = self.asked.stages.iter().take(self.stage_at(now) + 1);
        come.enumerate()
            .filter(|(_, stage)| stage.of.contains(user))
            .map(|(place, stage)| (self.role_in(stage, user), place))
            .next_back()
    }

    /// Also beside others, the person on whose behalf it is answers as that person.
    fn role_in(&self, stage: &Stage, user: &UserId) -> Role {
        match self.subject.as_ref() == Some(user) {
            true => Role::Subject,
            false => stage.role,
        }
    }

    /// Of these votes, all for yes, those that decide: of the people of the first stage that has enough, and the subject's. None
    /// while they are not enough.
    pub fn deciding(&self, votes: &[Vote]) -> Option<Vec<Vote>> {
        let stage = self.decided_stage(votes)?;
        let decides = |vote: &&Vote| vote.stage == stage || vote.role == Role::Subject;
        Some(votes.iter().filter(decides).cloned().collect())
    }

    /// Whether these votes, all for yes, are enough.
    pub fn is_decided_by(&self, votes: &[Vote]) -> bool {
        self.decided_stage(votes).is_some()
    }

    fn decided_stage(&self, votes: &[Vote]) -> Option<usize> {
        let safeguards = &self.asked.safeguards;
        let enough = |(place, stage): &(usize, &Stage)| {
            let of_stage = stage.of.iter().filter(|user| {
                votes
                    .iter()
                    .any(|vote| vote.stage == *place && vote.user == **user)
            });
            stage.need > 0 && of_stage.count() >= stage.need
        };
        let mut stages = self.asked.stages.iter().enumerate();
        let subject_agreed = match safeguards.subject_first {
            true => stages.next().as_ref().is_some_and(enough),
            false => true,
        };
        let independent = |vote: &Vote| {
            vote.role == Role::Subject || !safeguards.never_alone.contains(&vote.user)
        };
        let decided = stages.find(enough).map(|(place, _)| place);
        decided.filter(|_| subject_agreed && votes.iter().any(independent))
    }
}

#[cfg(test)]
#[path = "pending/tests.rs"]
mod tests;
