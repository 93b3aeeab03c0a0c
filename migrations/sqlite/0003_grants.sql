-- What is used once, each kind in its own table (LESSONS 33); secrets only as digests.

CREATE TABLE authorization_requests (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    client_id TEXT NOT NULL,
    prepared TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);

CREATE TABLE codes (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    client_id TEXT NOT NULL,
    delegation_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    redirect_uri_sent_at BIGINT,
    code_challenge TEXT NOT NULL,
    jkt TEXT,
    nonce TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    consumed_jkt TEXT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX codes_expiry ON codes (expires_at);

CREATE TABLE refresh_tokens (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    client_id TEXT NOT NULL,
    delegation_id TEXT NOT NULL,
    binding TEXT NOT NULL,
    jkt TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    consumed_jkt TEXT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE replays (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX replays_expiry ON replays (expires_at);
