-- The greatest time that any node saw, in microseconds since 1970. SQLite has no clock of its own to hold a node's clock against.
ALTER TABLE tenants ADD COLUMN clock_at BIGINT NOT NULL DEFAULT 0;
