-- What is to be delivered: pings and pushes to clients, messages to people. Payloads are sealed.

CREATE TABLE notices (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    request_id TEXT,
    user_id TEXT,
    target TEXT NOT NULL,
    sealed TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    delivered_at BIGINT,
    failed_at BIGINT,
    outcome TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX notices_next ON notices (tenant, next_at);
CREATE INDEX notices_request ON notices (tenant, request_id);
CREATE INDEX notices_expiry ON notices (expires_at);

CREATE TABLE push_subscriptions (
    tenant TEXT NOT NULL,
    endpoint_digest TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    gone_at BIGINT,
    PRIMARY KEY (tenant, endpoint_digest)
);
CREATE INDEX push_subscriptions_person ON push_subscriptions (tenant, user_id);

-- Key pairs of the server that are no signing keys of tokens: VAPID (RFC 8292).
CREATE TABLE server_keys (
    tenant TEXT NOT NULL,
    purpose TEXT NOT NULL,
    public_key TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, purpose)
);
