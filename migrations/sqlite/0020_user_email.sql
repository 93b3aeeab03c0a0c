-- The address that an operator gave a person: what apps are told in `email`. What a person types for their own notifications is in
-- `person_settings`. No two people have the same, because apps tell people apart by it.
ALTER TABLE users ADD COLUMN email TEXT;
CREATE UNIQUE INDEX users_email ON users (tenant, email);
