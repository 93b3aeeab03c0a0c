-- Clients that registered themselves (RFC 7591), with their tokens as digests; and initial access tokens.

CREATE TABLE registrations (
    tenant TEXT NOT NULL,
    client_id TEXT NOT NULL,
    token_digest TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Null from the first person who agreed on, and for whoever was invited: it stays.
    expires_at BIGINT,
    removed_at BIGINT,
    PRIMARY KEY (tenant, client_id)
);
CREATE INDEX registrations_expiry ON registrations (expires_at);
CREATE INDEX registrations_removal ON registrations (removed_at);

CREATE TABLE registration_invites (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    uses BIGINT NOT NULL,
    used BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX registration_invites_expiry ON registration_invites (expires_at);
