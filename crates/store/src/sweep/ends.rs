//! How each table ends: by which rule its rows leave, or why it does not grow. A table without an entry fails a test
//! (`tests/house/tables.rs`).

use super::rules::{Deletion, Kept, PENDING, REGISTRATIONS, SweepRule, TASKS, TableEnd, Tenants};

/// Every table, in the order in which they are swept: what hangs from a row before that row.
pub const TABLES: &[(&str, TableEnd)] = &[
    (
        "replays",
        over!("replays", "tenant, digest", "expires_at", Kept::Not),
    ),
    (
        "upstream_logouts",
        over!(
            "upstream_logouts",
            "tenant, digest",
            "expires_at",
            Kept::Not
        ),
    ),
    (
        "sessions",
        over!("sessions", "tenant, digest", "expires_at", Kept::Not),
    ),
    (
        "remembered_consents",
        over!(
            "remembered_consents",
            "tenant, user_id, client_id, redirect_uri, resource, scope",
            "expires_at",
            Kept::Not
        ),
    ),
    (
        "passkey_ceremonies",
        over!(
            "passkey_ceremonies",
            "tenant, digest",
            "expires_at",
            Kept::Not
        ),
    ),
    (
        "passkey_codes",
        over!("passkey_codes", "tenant, user_id", "expires_at", Kept::Not),
    ),
    (
        "account_links",
        over!(
            "account_links",
            "tenant, user_id, place",
            "expires_at",
            Kept::Not
        ),
    ),
    (
        "notices",
        over!("notices", "tenant, id", "expires_at", Kept::Not),
    ),
    (
        "api_idempotency",
        over!(
            "api_idempotency",
            "tenant, client_id, key_digest",
            "expires_at",
            Kept::Not
        ),
    ),
    (
        "proposals",
        over!("proposals", "tenant, id", "expires_at", Kept::ADay),
    ),
    (
        "attempts",
        over!("attempts", "tenant, kind, holder", "kept_until", Kept::Not),
    ),
    (
        "codes",
        over!("codes", "tenant, digest", "expires_at", Kept::ADay),
    ),
    (
        "authorization_requests",
        over!(
            "authorization_requests",
            "tenant, digest",
            "expires_at",
            Kept::ADay
        ),
    ),
    (
        "refresh_tokens",
        over!("refresh_tokens", "tenant, digest", "expires_at", Kept::ADay),
    ),
    ("pending_approvers", TableEnd::With("pending_requests")),
    ("pending_screens", TableEnd::With("pending_requests")),
    ("pending_votes", TableEnd::With("pending_requests")),
    ("pending_requests", TableEnd::Swept(PENDING)),
    (
        "prompt_guards",
        over!("prompt_guards", "tenant, holder", "asked_at", Kept::ADay),
    ),
    (
        "silenced_resources",
        over!(
            "silenced_resources",
            "tenant, subject, resource",
            "silenced_until",
            Kept::Not
        ),
    ),
    (
        "undoable_stops",
        over!("undoable_stops", "tenant, id", "undo_until", Kept::Not),
    ),
    (
        "fetched_documents",
        over!(
            "fetched_documents",
            "tenant, purpose, url",
            "fresh_until",
            Kept::ADay
        ),
    ),
    (
        "delegations",
        over!("delegations", "tenant, id", "expires_at", Kept::ADay),
    ),
    (
        "decisions",
        over!("decisions", "tenant, id", "decided_at", Kept::ADay),
    ),
    (
        "used_objects",
        over!(
            "used_objects",
            "tenant, task_id, ref",
            "expires_at",
            Kept::ADay
        ),
    ),
    (
        "budgets",
        over!(
            "budgets",
            "tenant, task_id, ref, pointer",
            "expires_at",
            Kept::ADay
        ),
    ),
    ("tasks", TableEnd::Swept(TASKS)),
    (
        "approved_uses",
        over!(
            "approved_uses",
            "tenant, approval, place",
            "made_at",
            Kept::ThirteenMonths
        ),
    ),
    (
        "allowed_clients",
        over!(
            "allowed_clients",
            "tenant, subject, client_id",
            "allowed_at",
            Kept::ThirteenMonths
        ),
    ),
    (
        "paused_clients",
        TableEnd::Bounded("clients that a person reported and lets begin nothing for them since"),
    ),
    (
        "guest_grants",
        over!(
            "guest_grants",
            "tenant, task_id",
            "expires_at",
            Kept::ThirteenMonths
        ),
    ),
    (
        "registration_invites",
        over!(
            "registration_invites",
            "tenant, digest",
            "expires_at",
            Kept::ADay
        ),
    ),
    ("registrations", TableEnd::Swept(REGISTRATIONS)),
    (
        "clients",
        TableEnd::OneByOne(
            "guests whom nobody let do anything for thirteen months; others are an operator's",
        ),
    ),
    (
        "agent_keys",
        over!(
            "agent_keys",
            "tenant, thumbprint",
            "used_at",
            Kept::ThirteenMonths
        ),
    ),
    (
        "push_subscriptions",
        over!(
            "push_subscriptions",
            "tenant, endpoint_digest",
            "gone_at",
            Kept::ADay
        ),
    ),
    (
        "passkeys",
        over!(
            "passkeys",
            "tenant, credential_id",
            "removed_at",
            Kept::ThirteenMonths
        ),
    ),
    (
        "types",
        over!("types", "tenant, hash", "loaded_at", Kept::ThirteenMonths),
    ),
    (
        "refusal_counts",
        over!(
            "refusal_counts",
            "tenant, minute, endpoint, code",
            "minute",
            Kept::NinetyDays
        ),
    ),
    ("events", recorded!("events", "at", Kept::Record)),
    (
        "events_due",
        TableEnd::OneByOne(
            "events that a sink has had, or that nobody took for as long as its `keep_days` says",
        ),
    ),
    (
        "event_sinks",
        TableEnd::OneByOne("sinks that no server has had in its configuration for a week"),
    ),
    (
        "consents",
        recorded!("consents", "given_at", Kept::Decisions),
    ),
    (
        "receipts",
        recorded!("receipts", "made_at", Kept::Decisions),
    ),
    ("tenants", TableEnd::Bounded("one row for each tenant")),
    (
        "leases",
        TableEnd::Bounded("one row for each kind of work that one node does at a time"),
    ),
    (
        "users",
        TableEnd::Bounded("people that an operator added or let come; a removed one keeps its id"),
    ),
    (
        "upstream_accounts",
        TableEnd::Bounded(
            "accounts at providers by which people sign in; that of a removed person stays theirs",
        ),
    ),
    (
        "user_roles",
        TableEnd::Bounded("roles of people, as many from each source as MAX_ROLES"),
    ),
    (
        "upstream_groups",
        TableEnd::Bounded("one row for each account at a provider, until its groups are too old"),
    ),
    (
        "person_settings",
        TableEnd::Bounded("one row for each person"),
    ),
    (
        "agents",
        TableEnd::Bounded("one row for each agent that an operator added"),
    ),
    (
        "resources",
        TableEnd::Bounded("resources that an operator added; a removed one keeps its URL"),
    ),
    (
        "signing_keys",
        TableEnd::Bounded("one row for each rotation; receipts are verified by old ones"),
    ),
    (
        "id_token_keys",
        TableEnd::Bounded("one row for each rotation"),
    ),
    ("server_keys", TableEnd::Bounded("one row for each purpose")),
];

/// The rules of [`TABLES`], in its order.
pub fn rules() -> impl Iterator<Item = &'static SweepRule> {
    TABLES.iter().filter_map(|(_, end)| match end {
        TableEnd::Swept(rule) => Some(rule),
        TableEnd::OneByOne(_) | TableEnd::With(_) | TableEnd::Bounded(_) => None,
    })
}
