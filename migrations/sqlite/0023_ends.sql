-- What it takes so that every table has an end: who sweeps, and by which index the old rows of each table are found.

-- Work that one node does at a time: who does it, and until when the others leave it to them.
CREATE TABLE leases (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The record by age: what is archived, and what leaves after its retention.
CREATE INDEX events_age ON events (tenant, at, id);
CREATE INDEX consents_age ON consents (tenant, given_at, id);
CREATE INDEX receipts_age ON receipts (tenant, made_at, id);
CREATE INDEX refusal_counts_age ON refusal_counts (minute);
-- What is over, or was not used for long.
CREATE INDEX attempts_age ON attempts (kept_until);
-- When the key was last seen, to about a month.
ALTER TABLE agent_keys ADD COLUMN used_at BIGINT;
UPDATE agent_keys SET used_at = first_used_at;
CREATE INDEX agent_keys_age ON agent_keys (used_at);
-- Of guests: the end of their last task. They leave long after it.
ALTER TABLE clients ADD COLUMN kept_until BIGINT;
UPDATE clients SET kept_until = (SELECT MAX(g.expires_at) FROM guest_grants g
        WHERE g.tenant = clients.tenant AND g.client_id = clients.id)
    WHERE substr(id, 1, 8) = 'https://';
CREATE INDEX clients_end ON clients (tenant, kept_until) WHERE kept_until IS NOT NULL;
CREATE INDEX passkeys_removal ON passkeys (removed_at) WHERE removed_at IS NOT NULL;
CREATE INDEX push_subscriptions_end ON push_subscriptions (gone_at) WHERE gone_at IS NOT NULL;
-- A version of a type leaves when no server loaded it for long. Null: not loaded since there is this column.
ALTER TABLE types ADD COLUMN loaded_at BIGINT;
CREATE INDEX types_age ON types (loaded_at);
