-- Guests: clients that nobody registered. What each of their grants keeps of the client's metadata document, and tasks that wait.

-- Not null: the task waits until its person lets it go on.
ALTER TABLE tasks ADD COLUMN suspended_at BIGINT;

CREATE TABLE guest_grants (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, task_id)
);
CREATE INDEX guest_grants_client ON guest_grants (tenant, client_id, subject, created_at);
CREATE INDEX guest_grants_expiry ON guest_grants (expires_at);
