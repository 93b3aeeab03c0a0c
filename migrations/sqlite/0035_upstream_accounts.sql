-- Accounts of people at OpenID providers, by issuer and subject: who proves one is signed in as that person. A row stays when its person
-- is disabled or removed, so that the account at the provider never becomes another person here.
CREATE TABLE upstream_accounts (
    tenant TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- `admission` or `link`: by the rules of the operator, or by the person who proved to be both.
    origin TEXT NOT NULL,
    linked_at BIGINT NOT NULL,
    last_login_at BIGINT,
    PRIMARY KEY (tenant, issuer, subject)
);
CREATE INDEX upstream_accounts_person ON upstream_accounts (tenant, user_id);
-- The provider that opened a session, and its name for the session there (`sid`); absent where the person signed in here.
ALTER TABLE sessions ADD COLUMN upstream_issuer TEXT;
ALTER TABLE sessions ADD COLUMN upstream_sid TEXT;
CREATE INDEX sessions_upstream ON sessions (tenant, upstream_issuer, upstream_sid) WHERE upstream_sid IS NOT NULL;
