-- What people once agreed to, by the client that it ends with.
CREATE INDEX remembered_consents_client ON remembered_consents (tenant, client_id);
