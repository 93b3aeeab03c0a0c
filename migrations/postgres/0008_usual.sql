-- What a person approved before, as far as it is compared with what is asked now; and how they read times and messages.

CREATE TABLE approved_uses (
    tenant TEXT NOT NULL,
    approval TEXT NOT NULL,
    place BIGINT NOT NULL,
    subject TEXT NOT NULL,
    type_name TEXT NOT NULL,
    payee_digest TEXT NOT NULL,
    unit TEXT,
    amount TEXT,
    client_id TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, approval, place)
);
CREATE INDEX approved_uses_newest ON approved_uses (tenant, subject, type_name, made_at);
CREATE INDEX approved_uses_age ON approved_uses (made_at);

-- For a person who takes their history with them.
CREATE INDEX consents_subject ON consents (tenant, subject, given_at);

-- Name of a zone (IANA); where there is none, quiet hours follow `offset_minutes`.
ALTER TABLE person_settings ADD COLUMN time_zone TEXT;
-- Of the last page that the person used.
ALTER TABLE person_settings ADD COLUMN language TEXT;
