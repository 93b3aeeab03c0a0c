-- Lists are read, and what is stopped is found, by an index, in its order: what else there is does not matter. An id begins with the
-- time at which it was made, so that the order of ids is that of time.

-- Tasks of a subject, the newest last; those of a person that are not stopped, by their end; those of a client that are not stopped.
DROP INDEX tasks_subject;
CREATE INDEX tasks_of_subject ON tasks (tenant, subject, id);
CREATE INDEX tasks_live ON tasks (tenant, subject, expires_at, id)
    WHERE stopped_at IS NULL AND subject_kind = 'person';
CREATE INDEX tasks_live_client ON tasks (tenant, client_id, subject, expires_at)
    WHERE stopped_at IS NULL;

DROP INDEX events_task;
DROP INDEX events_subject;
DROP INDEX events_client;
CREATE INDEX events_of_task ON events (tenant, task_id, id);
CREATE INDEX events_of_subject ON events (tenant, subject, id);
CREATE INDEX events_of_client ON events (tenant, client_id, id);
CREATE INDEX events_named ON events (tenant, name, id);
-- What a client did for a person; the client's own work has no person.
CREATE INDEX events_of_pair ON events (tenant, subject, client_id, id)
    WHERE substr(subject, 1, 4) = 'usr_';

CREATE INDEX refresh_tokens_delegation ON refresh_tokens (tenant, delegation_id);
CREATE INDEX agents_owner ON agents (tenant, owner_id, client_id);
CREATE INDEX agents_sponsor ON agents (tenant, sponsor_id, client_id);
CREATE INDEX sessions_person ON sessions (tenant, user_id);
CREATE INDEX codes_client ON codes (tenant, client_id);
DROP INDEX registrations_expiry;
CREATE INDEX registrations_due ON registrations (tenant, expires_at) WHERE expires_at IS NOT NULL;

-- A task's delegations in the order in which they were made.
DROP INDEX delegations_task;
CREATE INDEX delegations_of_task ON delegations (tenant, task_id, id);

-- How often resources or types were changed: whoever has read them asks for this number alone.
ALTER TABLE tenants ADD COLUMN catalogue_changes BIGINT;
