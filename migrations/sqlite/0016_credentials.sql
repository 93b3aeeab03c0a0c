-- Removed rows stay, so that what they named is never registered again by another. After a rotation a client has its earlier
-- secret until then.
ALTER TABLE clients ADD COLUMN removed_at BIGINT;
ALTER TABLE clients ADD COLUMN earlier_secret_digest TEXT;
ALTER TABLE clients ADD COLUMN earlier_secret_until BIGINT;
ALTER TABLE resources ADD COLUMN removed_at BIGINT;
ALTER TABLE users ADD COLUMN removed_at BIGINT;
