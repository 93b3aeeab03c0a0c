-- The office of an operator: `admin`, `auditor` or `helpdesk`; null for everybody else.
ALTER TABLE users ADD COLUMN operator_role TEXT;
CREATE INDEX users_operator ON users (tenant, operator_role) WHERE operator_role IS NOT NULL;
-- The console that its operator opened by a passkey in the browser of this session: a digest of its cookie, when it was opened and last used.
ALTER TABLE sessions ADD COLUMN console_digest TEXT;
ALTER TABLE sessions ADD COLUMN console_since BIGINT;
ALTER TABLE sessions ADD COLUMN console_seen_at BIGINT;
