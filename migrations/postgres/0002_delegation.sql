-- Tasks, consents, delegations: what tokens are made from. Authority and act are JSON text.

CREATE TABLE tasks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    parent_id TEXT,
    subject_kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    purpose TEXT,
    authority TEXT NOT NULL,
    authority_version BIGINT NOT NULL,
    salt TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    approval TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    stopped_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX tasks_subject ON tasks (tenant, subject, created_at);
CREATE INDEX tasks_expiry ON tasks (expires_at);

CREATE TABLE consents (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    shown TEXT NOT NULL,
    shown_hash TEXT NOT NULL,
    locale TEXT NOT NULL,
    method TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX consents_task ON consents (tenant, task_id);

CREATE TABLE delegations (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    parent_id TEXT,
    path TEXT NOT NULL,
    holder TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    authority TEXT NOT NULL,
    onward TEXT NOT NULL,
    act TEXT,
    jkt TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    stopped_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX delegations_task ON delegations (tenant, task_id);
CREATE INDEX delegations_expiry ON delegations (expires_at);
