-- The site of whoever registered openly, as long as nobody agreed: who registers many ends their own.
ALTER TABLE registrations ADD COLUMN site TEXT;
