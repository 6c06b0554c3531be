-- What a look into the version's folder has found, as JSON; empty where it has none.
ALTER TABLE version ADD COLUMN files TEXT NOT NULL DEFAULT '';
