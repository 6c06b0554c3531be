-- Encrypted; the column 'secret' holds nothing once an earlier version's rows have been taken over at start.
ALTER TABLE webhook ADD COLUMN sealed_secret TEXT NOT NULL DEFAULT '';
