-- By what a session was opened: `password`, `passkey`, or `code`, that of a link. Null: an older version opened it, and kept the level alone.
ALTER TABLE sessions ADD COLUMN opened_by TEXT;
-- When all sessions of a person were last ended, or all but one: what they were asked to sign before that counts no more.
ALTER TABLE users ADD COLUMN others_ended_at BIGINT;
