-- Passkeys, the ceremonies that are under way, and what a person has set for themselves.

CREATE TABLE passkeys (
    tenant TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    passkey TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    removed_at BIGINT,
    PRIMARY KEY (tenant, credential_id)
);
CREATE INDEX passkeys_person ON passkeys (tenant, user_id);

-- Enrolments and logins: the challenge is used once.
CREATE TABLE passkey_ceremonies (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX passkey_ceremonies_expiry ON passkey_ceremonies (expires_at);

CREATE TABLE person_settings (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT,
    quiet_from BIGINT,
    quiet_until BIGINT,
    offset_minutes BIGINT,
    user_code_hash TEXT,
    user_code_failures BIGINT NOT NULL,
    user_code_paused_until BIGINT,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);

-- How the person of this login proved who they are.
ALTER TABLE sessions ADD COLUMN method TEXT;
