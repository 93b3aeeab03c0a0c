-- When a person first opened the request. Until then `expires_at` is the end of `expires_in`; from then on, of the person's own hour.
ALTER TABLE authorization_requests ADD COLUMN opened_at BIGINT;
