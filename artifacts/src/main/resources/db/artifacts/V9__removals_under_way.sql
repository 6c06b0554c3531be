-- Whether a collection has put the blob out of sight and is about to remove it: nobody may begin to name it then. Told by a row, so that
-- who names it asks nothing but the database within its unit of work.
ALTER TABLE blob_candidate ADD COLUMN removing BOOLEAN NOT NULL DEFAULT FALSE;

-- Where the bucket is that belongs to this database; empty for one that was begun before this was noted.
ALTER TABLE blob_store ADD COLUMN place VARCHAR(2000) NOT NULL DEFAULT '';

CREATE INDEX blob_candidate_removing ON blob_candidate (digest) WHERE removing;
