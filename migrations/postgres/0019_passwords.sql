-- Grows when the browsers in which a person signed in before are forgotten: their cookies name a smaller number.
ALTER TABLE users ADD COLUMN browser_epoch BIGINT NOT NULL DEFAULT 0;

-- The code by which a person adds a first passkey, as a keyed digest; one each.
CREATE TABLE passkey_codes (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    failures BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id)
);
CREATE INDEX passkey_codes_expiry ON passkey_codes (expires_at);
