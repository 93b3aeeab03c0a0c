-- The record (JOURNEYS, "Events"). Unordered insert; the ledger's leaf number comes later.

CREATE TABLE events (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    name TEXT NOT NULL,
    subject TEXT,
    actor_path TEXT,
    client_id TEXT,
    owner TEXT,
    sponsor TEXT,
    task_id TEXT,
    delegation_id TEXT,
    purpose TEXT,
    risk TEXT,
    resource TEXT,
    details_hash TEXT,
    policy_version TEXT,
    decision TEXT,
    reason TEXT,
    transaction_id TEXT,
    data TEXT NOT NULL,
    leaf BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX events_task ON events (tenant, task_id);
CREATE INDEX events_subject ON events (tenant, subject, at);
CREATE INDEX events_client ON events (tenant, client_id, at);

-- Refusals before client authentication, counted by the minute (DESIGN 4).
CREATE TABLE refusal_counts (
    tenant TEXT NOT NULL,
    minute BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    code TEXT NOT NULL,
    refusals BIGINT NOT NULL,
    PRIMARY KEY (tenant, minute, endpoint, code)
);
