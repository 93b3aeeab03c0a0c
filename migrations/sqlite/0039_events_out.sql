-- Where events go beside the record: the sinks of the configuration, and which events each of them has not had yet.
CREATE TABLE event_sinks (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    -- When a server last had it in its configuration.
    seen_at BIGINT NOT NULL,
    -- No server has it any more: nothing is written for it.
    closed_at BIGINT,
    PRIMARY KEY (tenant, name)
);
CREATE TABLE events_due (
    tenant TEXT NOT NULL,
    sink TEXT NOT NULL,
    event_id TEXT NOT NULL,
    -- Of the event.
    at BIGINT NOT NULL,
    -- How often it was begun to be sent; written before it is sent.
    attempts BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, sink, event_id)
);
-- In the statement that writes the event, whoever writes it: also a server of the version before, and a command.
CREATE TRIGGER events_leave AFTER INSERT ON events BEGIN
    INSERT INTO events_due (tenant, sink, event_id, at)
    SELECT s.tenant, s.name, NEW.id, NEW.at FROM event_sinks s
    WHERE s.tenant = NEW.tenant AND s.closed_at IS NULL;
END;
