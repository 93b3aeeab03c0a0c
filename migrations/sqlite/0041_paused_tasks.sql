-- The tasks of a person that wait, by why they do: whether there is one is asked for each view of the inbox, however many live tasks they
-- have.
CREATE INDEX tasks_paused ON tasks (tenant, subject, suspended_because) WHERE suspended_at IS NOT NULL;
