//! The rules: clients, agents, tasks, delegations, grants, approvals; facts in, decision out.
