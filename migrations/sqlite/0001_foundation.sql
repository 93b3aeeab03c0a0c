-- Tenants, signing keys, people, clients, agents, resources, types.
-- Times are microseconds; *_at that is null means "not". Every table has its tenant.

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    stopped_at BIGINT
);

CREATE TABLE signing_keys (
    tenant TEXT NOT NULL,
    kid TEXT NOT NULL,
    state TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed TEXT,
    created_at BIGINT NOT NULL,
    activated_at BIGINT,
    retired_at BIGINT,
    removed_at BIGINT,
    PRIMARY KEY (tenant, kid)
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (tenant) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (tenant) WHERE state = 'next';

CREATE TABLE users (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failures BIGINT NOT NULL,
    paused_until BIGINT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX users_name ON users (tenant, name);

CREATE TABLE sessions (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    user_id TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    for_request TEXT,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE clients (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    metadata TEXT NOT NULL,
    secret_digest TEXT,
    created_at BIGINT NOT NULL,
    stopped_at BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE agents (
    tenant TEXT NOT NULL,
    client_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    sponsor_id TEXT NOT NULL,
    publisher TEXT NOT NULL,
    assurance TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, client_id)
);

CREATE TABLE agent_keys (
    tenant TEXT NOT NULL,
    thumbprint TEXT NOT NULL,
    client_id TEXT NOT NULL,
    first_used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, thumbprint)
);

CREATE TABLE resources (
    tenant TEXT NOT NULL,
    uri TEXT NOT NULL,
    document TEXT NOT NULL,
    client_id TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, uri)
);

CREATE TABLE types (
    tenant TEXT NOT NULL,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash)
);
