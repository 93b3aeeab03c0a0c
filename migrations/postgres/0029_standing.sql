-- How a person stands with a client: what it never asked before, and what it may not ask any more.

-- When a person first and last let a client do something: by a consent, or by a yes to one request.
CREATE TABLE allowed_clients (
    tenant TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    allowed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject, client_id)
);
CREATE INDEX allowed_clients_age ON allowed_clients (allowed_at);
INSERT INTO allowed_clients (tenant, subject, client_id, first_at, allowed_at)
SELECT a.tenant, a.subject, a.client_id, MIN(a.allowed_at), MAX(a.allowed_at) FROM (
    SELECT tenant, subject, client_id, given_at AS allowed_at FROM consents
    UNION ALL
    SELECT tenant, subject, client_id, created_at FROM tasks WHERE subject_kind = 'person'
    UNION ALL
    SELECT tenant, subject, client_id, COALESCE(decided_at, created_at) FROM pending_requests
    WHERE subject IS NOT NULL AND state IN ('approved', 'redeemed')
    UNION ALL
    SELECT tenant, subject, client_id, made_at FROM approved_uses
) a
GROUP BY a.tenant, a.subject, a.client_id;

-- Clients that may ask a person nothing and begin nothing for them until that person lets them, because of "This was not me".
CREATE TABLE paused_clients (
    tenant TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    -- Of the request that was reported.
    request_id TEXT NOT NULL,
    paused_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject, client_id)
);
