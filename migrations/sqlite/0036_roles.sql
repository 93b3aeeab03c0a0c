-- Roles of people, by which they may grant more or less (docs/roles.md). What a role lets somebody grant stands in the configuration.
CREATE TABLE user_roles (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- `operator`, or the issuer of the provider that gives it: one never takes what the other gave.
    source TEXT NOT NULL,
    role TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    -- Counts for nothing since then: the provider was not heard of for too long.
    suspended_at BIGINT,
    PRIMARY KEY (tenant, user_id, source, role)
);
