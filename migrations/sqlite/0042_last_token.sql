-- When a token of a task was last made, whatever else happened since.
CREATE INDEX events_tokens_of_task ON events (tenant, task_id, at)
    WHERE name IN ('token.issued', 'token.exchanged', 'token.refreshed');
