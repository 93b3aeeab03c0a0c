-- The operators' API: what was answered to a request with an `Idempotency-Key`, so that the same again is done once.
CREATE TABLE api_idempotency (
    tenant TEXT NOT NULL,
    client_id TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    -- Of method, path, conditions and body.
    request_digest TEXT NOT NULL,
    status BIGINT NOT NULL,
    -- The body of the answer; null while the request is at work, which nobody else sees.
    answer TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, client_id, key_digest)
);
CREATE INDEX api_idempotency_expiry ON api_idempotency (expires_at);
-- Changes that widen: proposed by a client, applied by the operator who signed the hash.
CREATE TABLE proposals (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    change TEXT NOT NULL,
    change_hash TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    applied_at BIGINT,
    signed_by TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX proposals_expiry ON proposals (expires_at);
CREATE INDEX proposals_of_client ON proposals (tenant, client_id, expires_at);
-- The lists of the operators' API, each in the order of its ids.
CREATE INDEX clients_guests ON clients (tenant, id)
    WHERE substr(id, 1, 8) = 'https://' OR substr(id, 1, 4) = 'dyn_';
CREATE INDEX clients_house ON clients (tenant, id)
    WHERE substr(id, 1, 8) <> 'https://' AND substr(id, 1, 4) <> 'dyn_' AND substr(id, 1, 4) <> 'agt_';
CREATE INDEX tasks_of_client ON tasks (tenant, client_id, id);
CREATE INDEX consents_of_subject ON consents (tenant, subject, id);
CREATE INDEX pending_requests_of_subject ON pending_requests (tenant, subject, id);
CREATE INDEX pending_requests_of_client ON pending_requests (tenant, client_id, id);
CREATE INDEX events_of_resource ON events (tenant, resource, id) WHERE resource IS NOT NULL;
CREATE INDEX events_denied ON events (tenant, id) WHERE decision = 'deny';
