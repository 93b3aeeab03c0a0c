-- Stops that their person may take back for a moment. What was stopped, the stop's events say.
CREATE TABLE undoable_stops (
    tenant TEXT NOT NULL,
    -- Of the stop's events: theirs begin with it.
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    client_id TEXT NOT NULL,
    stopped_at BIGINT NOT NULL,
    undo_until BIGINT NOT NULL,
    -- When the person asked for it: once, and then there is time to prove that it is them.
    asked_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX undoable_stops_pair ON undoable_stops (tenant, subject, client_id);
CREATE INDEX undoable_stops_end ON undoable_stops (undo_until);
