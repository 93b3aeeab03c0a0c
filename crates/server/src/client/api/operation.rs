//! Every operation of the operators' API, in one table: the router, the check of scopes and the description read it.

use writ_wire::api::{API_PATH, ApiScope};

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct ApiOperation {
    /// Its name in the description.
    pub id: &'static str,
    pub method: ApiMethod,
    /// Below [`API_PATH`].
    pub below: &'static str,
    pub summary: &'static str,
    pub action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiMethod {
    Get,
    Post,
    Delete,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read(View),
    Stop(Containment),
    Remove(Registered),
    Propose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Agents,
    Agent,
    Clients,
    Client,
    Guests,
    Guest,
    Resources,
    Resource,
    Types,
    Type,
    People,
    Person,
    Tasks,
    Task,
    Delegations,
    Delegation,
    Approvals,
    Approval,
    Consents,
    Consent,
    Decisions,
    Decision,
    Keys,
    Events,
    Event,
    Proposals,
    Proposal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containment {
    Task,
    /// Everything that an agent, a client or a guest does, for one person or for all.
    Client,
    Suspend,
    Disable,
    EndSessions,
    ForgetConsents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    Agent,
    Client,
    Resource,
}

impl ApiMethod {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

impl ApiOperation {
    pub fn path(&self) -> String {
        format!("{API_PATH}{}", self.below)
    }

    pub const fn scope(&self) -> ApiScope {
        match self.action {
            Action::Read(_) => ApiScope::Read,
            Action::Stop(_) => ApiScope::Stop,
            Action::Remove(_) => ApiScope::Change,
            Action::Propose => ApiScope::Propose,
        }
    }

    pub fn has_id(&self) -> bool {
        self.below.contains("{id}")
    }
}

impl View {
    /// What a list may be narrowed by, beside `cursor` and `limit`.
    pub const fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Tasks => &["person", "agent"],
            Self::Delegations => &["task"],
            Self::Approvals => &["state", "person", "agent"],
            Self::Consents => &["person"],
            Self::Events => &[
                "person", "agent", "task", "name", "resource", "outcome", "from", "to",
            ],
            _ => &[],
        }
    }

    pub const fn is_paged(self) -> bool {
        matches!(
            self,
            Self::Agents
                | Self::Clients
                | Self::Guests
                | Self::Resources
                | Self::Types
                | Self::People
                | Self::Tasks
                | Self::Delegations
                | Self::Approvals
                | Self::Consents
                | Self::Decisions
                | Self::Events
                | Self::Proposals
        )
    }
}
