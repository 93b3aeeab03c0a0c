-- What is counted so that a limit is exact, over all nodes: prompts to people, and tries that may be guesses.

-- Whoever asks a person takes this row before counting; the counts themselves are those of `pending_requests`.
CREATE TABLE prompt_guards (
    tenant TEXT NOT NULL,
    holder TEXT NOT NULL,
    asked BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, holder)
);
CREATE INDEX prompt_guards_age ON prompt_guards (asked_at);

-- Passwords and codes that were tried, by whom or for whom as a digest: known or not, all look the same. Of passwords this
-- takes the place of `users.failures` and `users.paused_until`, which only older nodes still write.
CREATE TABLE attempts (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    failures BIGINT NOT NULL,
    paused_until BIGINT,
    kept_until BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, holder)
);
CREATE INDEX attempts_end ON attempts (kind, kept_until);
