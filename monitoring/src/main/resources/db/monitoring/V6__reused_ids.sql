-- Whether another answer was given under the id, which is not here: a label may be about either.
ALTER TABLE prediction ADD COLUMN reused BOOLEAN NOT NULL DEFAULT FALSE;
