-- Documents that others host and this server fetched: key sets of clients and the like, shared by all nodes. A copy, never the only one.

CREATE TABLE fetched_documents (
    tenant TEXT NOT NULL,
    purpose TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    etag TEXT,
    fetched_at BIGINT NOT NULL,
    fresh_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, purpose, url)
);
CREATE INDEX fetched_documents_end ON fetched_documents (fresh_until);
CREATE INDEX fetched_documents_age ON fetched_documents (fetched_at);
