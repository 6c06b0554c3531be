-- Blobs that something has let go of: the only ones that the collector looks at.
CREATE TABLE blob_candidate (
    digest      VARCHAR(64) PRIMARY KEY,
    released_at BIGINT NOT NULL
);
