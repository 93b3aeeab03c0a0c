-- The consent page as it was last shown for a request: a click counts for exactly that page, or for none.
ALTER TABLE authorization_requests ADD COLUMN screen TEXT;
