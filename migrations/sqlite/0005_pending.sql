-- What waits for a person (CIBA, device flow), who may decide, what they saw, and the receipts of what they decided.

-- An edge that a person approved within a task: not below the delegation that asked, but dying with it.
ALTER TABLE delegations ADD COLUMN asked_by TEXT;
ALTER TABLE delegations ADD COLUMN approval TEXT;

CREATE TABLE pending_requests (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    user_code TEXT,
    client_id TEXT NOT NULL,
    subject TEXT,
    state TEXT NOT NULL,
    asked TEXT NOT NULL,
    asked_hash TEXT NOT NULL,
    jkt TEXT,
    asked_by TEXT,
    task_id TEXT,
    sealed TEXT,
    poll_interval BIGINT NOT NULL,
    polled_at BIGINT,
    hasty_polls BIGINT NOT NULL,
    stage BIGINT NOT NULL,
    stage_ends_at BIGINT,
    decision TEXT,
    delegation_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    viewed_at BIGINT,
    decided_at BIGINT,
    redeemed_at BIGINT,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX pending_requests_handle ON pending_requests (tenant, kind, digest);
CREATE UNIQUE INDEX pending_requests_user_code ON pending_requests (tenant, user_code);
CREATE INDEX pending_requests_pair ON pending_requests (tenant, subject, client_id, created_at);
CREATE INDEX pending_requests_client ON pending_requests (tenant, client_id, created_at);
CREATE INDEX pending_requests_changed ON pending_requests (tenant, changed_at);
CREATE INDEX pending_requests_expiry ON pending_requests (expires_at);
-- The few that have not ended yet: what is past its end is looked for all the time.
CREATE INDEX pending_requests_waiting ON pending_requests (tenant, expires_at)
    WHERE state IN ('pending', 'viewed', 'approved');
CREATE INDEX pending_requests_stage ON pending_requests (tenant, stage_ends_at);

CREATE TABLE pending_approvers (
    tenant TEXT NOT NULL,
    request_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, request_id, user_id)
);
CREATE INDEX pending_approvers_person ON pending_approvers (tenant, user_id, created_at, request_id);

-- The last screen that each person saw of a request: what their device signs.
CREATE TABLE pending_screens (
    tenant TEXT NOT NULL,
    request_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    screen TEXT NOT NULL,
    shown_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, request_id, user_id)
);

CREATE TABLE pending_votes (
    tenant TEXT NOT NULL,
    request_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    vote TEXT NOT NULL,
    voted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, request_id, user_id)
);

CREATE TABLE receipts (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    document TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX receipts_person ON receipts (tenant, user_id, made_at);
CREATE INDEX receipts_request ON receipts (tenant, request_id);
