-- Why something waits until its person lets it go on: a task, and a client that may begin nothing for a person. Null: an older version
-- wrote the row, and did not say.
ALTER TABLE tasks ADD COLUMN suspended_because TEXT;
ALTER TABLE paused_clients ADD COLUMN because TEXT;
