-- The object of a decision: what became of it is told in its words.
ALTER TABLE decisions ADD COLUMN details TEXT;
