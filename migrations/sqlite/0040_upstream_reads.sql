-- A provider says that somebody signed out there: a login that was begun before, and ends after it, signs nobody in. A row is made by each
-- sign-in too, so that the two wait for each other; its key is a digest of the provider and of `sub` or `sid`.
CREATE TABLE upstream_logouts (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- Absent: nobody signed out.
    logged_out_at BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX upstream_logouts_expiry ON upstream_logouts (expires_at);
-- Accounts at providers whose groups give roles here: when they were read last, and by what they are read again. The row is removed
-- when the roles lapse.
CREATE TABLE upstream_groups (
    tenant TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- The provider's refresh token, sealed; absent where there is none.
    sealed_token TEXT,
    read_at BIGINT NOT NULL,
    -- When they are read again; who does puts it off, so that nobody else does meanwhile.
    next_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, issuer, subject)
);
CREATE INDEX upstream_groups_due ON upstream_groups (tenant, issuer, next_at, subject) WHERE sealed_token IS NOT NULL;
CREATE INDEX upstream_groups_age ON upstream_groups (tenant, issuer, read_at, subject);
CREATE INDEX upstream_groups_person ON upstream_groups (tenant, user_id);
-- The ID token by which a provider opened a session, sealed, for signing out there.
ALTER TABLE sessions ADD COLUMN upstream_id_token TEXT;
