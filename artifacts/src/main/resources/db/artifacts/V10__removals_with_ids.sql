-- The removal that has put the blob out of sight, and is about to remove it; NULL if none has. Each has an id of its own: who ends one that
-- has been seen to be over ends no later one.
ALTER TABLE blob_candidate ADD COLUMN removal VARCHAR(64);

-- One that was under way is found by the next start as any other. Rows of one blob follow each other, so that its digest tells it apart.
UPDATE blob_candidate SET removal = digest WHERE removing;

DROP INDEX blob_candidate_removing;
ALTER TABLE blob_candidate DROP COLUMN removing;

CREATE INDEX blob_candidate_removal ON blob_candidate (digest) WHERE removal IS NOT NULL;
