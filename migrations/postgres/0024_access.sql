-- Decisions per action: what a resource server was told, what became of it, and what was used up by it.

-- One row for each decision by a key; the answer is given again to the same key. No token is in it.
CREATE TABLE decisions (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    caller TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    asked_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    resource TEXT NOT NULL,
    client_id TEXT,
    task_id TEXT,
    delegation_id TEXT,
    action TEXT NOT NULL,
    object_hash TEXT,
    -- What it took from budgets: JSON.
    spent TEXT,
    decided_at BIGINT NOT NULL,
    -- Of a permit while its outcome is not known: until when it is waited for.
    awaited_until BIGINT,
    outcome TEXT,
    outcome_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX decisions_key ON decisions (tenant, caller, key_digest);
CREATE INDEX decisions_age ON decisions (decided_at);
CREATE INDEX decisions_awaited ON decisions (tenant, awaited_until) WHERE awaited_until IS NOT NULL;

-- Objects with `use: once` that were used.
CREATE TABLE used_objects (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ref TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, task_id, ref)
);
CREATE INDEX used_objects_end ON used_objects (expires_at);

-- What all requests of a task together took from a budget: decimal text.
CREATE TABLE budgets (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ref TEXT NOT NULL,
    pointer TEXT NOT NULL,
    spent TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, task_id, ref, pointer)
);
CREATE INDEX budgets_end ON budgets (expires_at);
