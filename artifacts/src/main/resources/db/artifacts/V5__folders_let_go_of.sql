-- Whether what was let go of may be a folder, whose files go with it. Only that is read as one: a file can look like a folder's manifest.
ALTER TABLE blob_candidate ADD COLUMN folder BOOLEAN NOT NULL DEFAULT TRUE;

-- A collection goes through folders and then through other blobs, the oldest first.
CREATE INDEX blob_candidate_released ON blob_candidate (folder, released_at, digest);
