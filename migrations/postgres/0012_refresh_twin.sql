-- What came of a rotated refresh token, so that a client that lost the answer gets one other: its successor now, and when that was a
-- second one; of a successor the access token that came with it, when that was first seen, and when a second one took its place.
ALTER TABLE refresh_tokens ADD COLUMN successor TEXT;
ALTER TABLE refresh_tokens ADD COLUMN twin_at BIGINT;
ALTER TABLE refresh_tokens ADD COLUMN access_jti TEXT;
ALTER TABLE refresh_tokens ADD COLUMN seen_at BIGINT;
ALTER TABLE refresh_tokens ADD COLUMN dead_at BIGINT;
CREATE INDEX refresh_tokens_access ON refresh_tokens (tenant, access_jti) WHERE access_jti IS NOT NULL;
