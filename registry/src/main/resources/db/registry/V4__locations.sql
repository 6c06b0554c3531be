-- Where the files of a version are that was made from another version's name; empty where they are at the source.
ALTER TABLE version ADD COLUMN location TEXT NOT NULL DEFAULT '';
