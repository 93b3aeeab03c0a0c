-- What clients of OpenID Connect expect: ID tokens signed by RSA, and consents that need not be given again.

-- In a table of their own: a node of the version before reads every row of `signing_keys`, and knows no RSA key.
CREATE TABLE id_token_keys (
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
CREATE UNIQUE INDEX id_token_keys_one_active ON id_token_keys (tenant) WHERE state = 'active';
CREATE UNIQUE INDEX id_token_keys_one_next ON id_token_keys (tenant) WHERE state = 'next';

-- A scope to which a person agreed for one client and redirect URI. `words` is a digest of the words in which they read it.
CREATE TABLE remembered_consents (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    words TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, client_id, redirect_uri, resource, scope)
);
CREATE INDEX remembered_consents_expiry ON remembered_consents (expires_at);
