-- A resource server asks a person about one action of its caller.

-- Which resource asked, and what its approval was used for: it is used once.
ALTER TABLE pending_requests ADD COLUMN resource TEXT;
ALTER TABLE pending_requests ADD COLUMN decision_id TEXT;
-- How often a resource asked a person, whoever its callers were.
CREATE INDEX pending_requests_resource ON pending_requests (tenant, subject, resource, created_at)
    WHERE resource IS NOT NULL;

-- Resources that may ask a person nothing until then, because that person said "This was not me".
CREATE TABLE silenced_resources (
    tenant TEXT NOT NULL,
    subject TEXT NOT NULL,
    resource TEXT NOT NULL,
    request_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    silenced_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject, resource)
);
CREATE INDEX silenced_resources_end ON silenced_resources (silenced_until);
