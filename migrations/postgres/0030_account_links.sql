-- Links by which a person finishes an invitation, a reset, or a change of the address to which they are written. Of the link and of the
-- code beside it only digests are stored. Addresses in `person_settings` that are there already were told to both sides when they
-- were set: they count as confirmed.
CREATE TABLE account_links (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- `account` or `address`: a newer link ends the older one of its place.
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    link_digest TEXT NOT NULL,
    -- Null: only a passkey finishes it, or being signed in.
    code_digest TEXT,
    -- What is confirmed by it.
    address TEXT,
    failures BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, place)
);
CREATE UNIQUE INDEX account_links_link ON account_links (tenant, link_digest);
CREATE INDEX account_links_expiry ON account_links (expires_at);
