//! The table of every operation of the operators' API.

use super::operation::{Action, ApiMethod, ApiOperation, Containment, Registered, View};

pub const OPERATIONS: &[ApiOperation] = &[
    read("listAgents", "/agents", View::Agents, "Agents by id"),
    read("showAgent", "/agents/{id}", View::Agent, "One agent"),
    stop(
        "stopAgent",
        "/agents/{id}/stop",
        Containment::Client,
        STOP_ALL,
    ),
    stop(
        "suspendAgent",
        "/agents/{id}/suspend",
        Containment::Suspend,
        SUSPEND,
    ),
    remove("removeAgent", "/agents/{id}", Registered::Agent),
    read(
        "listClients",
        "/clients",
        View::Clients,
        "Clients by id, neither agents nor guests",
    ),
    read("showClient", "/clients/{id}", View::Client, "One client"),
    stop(
        "stopClient",
        "/clients/{id}/stop",
        Containment::Client,
        STOP_ALL,
    ),
    stop(
        "suspendClient",
        "/clients/{id}/suspend",
        Containment::Suspend,
        SUSPEND,
    ),
    remove("removeClient", "/clients/{id}", Registered::Client),
    read(
        "listGuests",
        "/guests",
        View::Guests,
        "Clients that nobody registered, by id",
    ),
    read("showGuest", "/guests/{id}", View::Guest, "One guest"),
    stop(
        "stopGuest",
        "/guests/{id}/stop",
        Containment::Client,
        STOP_ALL,
    ),
    stop(
        "suspendGuest",
        "/guests/{id}/suspend",
        Containment::Suspend,
        SUSPEND,
    ),
    read(
        "listResources",
        "/resources",
        View::Resources,
        "Resources by URI",
    ),
    read(
        "showResource",
        "/resources/{id}",
        View::Resource,
        "One resource",
    ),
    remove("removeResource", "/resources/{id}", Registered::Resource),
    read(
        "listTypes",
        "/types",
        View::Types,
        "Versions of types, by hash",
    ),
    read(
        "showType",
        "/types/{id}",
        View::Type,
        "One version of a type, by its hash",
    ),
    read("listPeople", "/people", View::People, "People by name"),
    read(
        "showPerson",
        "/people/{id}",
        View::Person,
        "One person, by id",
    ),
    stop(
        "disablePerson",
        "/people/{id}/disable",
        Containment::Disable,
        "Nobody signs in as them, and nothing that hangs from them is live, until they are enabled",
    ),
    stop(
        "endSessions",
        "/people/{id}/end-sessions",
        Containment::EndSessions,
        "Signs them out everywhere",
    ),
    stop(
        "forgetConsents",
        "/people/{id}/forget-consents",
        Containment::ForgetConsents,
        "The client asks them again",
    ),
    read(
        "listTasks",
        "/tasks",
        View::Tasks,
        "Tasks, the newest first",
    ),
    read(
        "showTask",
        "/tasks/{id}",
        View::Task,
        "One task, with its delegations as a tree",
    ),
    stop(
        "stopTask",
        "/tasks/{id}/stop",
        Containment::Task,
        "Stops it and everything below it",
    ),
    read(
        "listDelegations",
        "/delegations",
        View::Delegations,
        "Those of one task",
    ),
    read(
        "showDelegation",
        "/delegations/{id}",
        View::Delegation,
        "One delegation",
    ),
    read(
        "listApprovals",
        "/approvals",
        View::Approvals,
        "Questions to people, the newest first",
    ),
    read(
        "showApproval",
        "/approvals/{id}",
        View::Approval,
        "One question",
    ),
    read(
        "listConsents",
        "/consents",
        View::Consents,
        "Consents, the newest first",
    ),
    read(
        "showConsent",
        "/consents/{id}",
        View::Consent,
        "One consent, as its person read it",
    ),
    read(
        "listDecisions",
        "/decisions",
        View::Decisions,
        "Decisions per action, the newest first",
    ),
    read(
        "showDecision",
        "/decisions/{id}",
        View::Decision,
        "One decision",
    ),
    read(
        "listKeys",
        "/keys",
        View::Keys,
        "The server's keys: public facts",
    ),
    read(
        "listEvents",
        "/events",
        View::Events,
        "The audit log, the newest first",
    ),
    read("showEvent", "/events/{id}", View::Event, "One event"),
    read(
        "listProposals",
        "/proposals",
        View::Proposals,
        "Proposals, the newest first",
    ),
    read(
        "showProposal",
        "/proposals/{id}",
        View::Proposal,
        "One proposal, and whether it was applied",
    ),
    ApiOperation {
        id: "propose",
        method: ApiMethod::Post,
        below: "/proposals",
        summary: "Proposes a change that widens: an operator signs it within the hour, or it lapses",
        action: Action::Propose,
    },
];

const fn read(
    id: &'static str,
    below: &'static str,
    view: View,
    summary: &'static str,
) -> ApiOperation {
    ApiOperation {
        id,
        method: ApiMethod::Get,
        below,
        summary,
        action: Action::Read(view),
    }
}

const fn stop(
    id: &'static str,
    below: &'static str,
    what: Containment,
    summary: &'static str,
) -> ApiOperation {
    ApiOperation {
        id,
        method: ApiMethod::Post,
        below,
        summary,
        action: Action::Stop(what),
    }
}

const fn remove(id: &'static str, below: &'static str, what: Registered) -> ApiOperation {
    ApiOperation {
        id,
        method: ApiMethod::Delete,
        below,
        summary: "Removes it for good: its name is never registered again",
        action: Action::Remove(what),
    }
}

const STOP_ALL: &str =
    "Stops what it does for a person; without one it is suspended, and all its tasks are stopped";
const SUSPEND: &str = "Nothing of it is live until an operator resumes it";
