-- What tells this database from every other one to a bucket with its blobs: it belongs to one. Goes with a dump's rows, but not into what
-- is restored from one.
CREATE TABLE blob_store (
    name VARCHAR(20) PRIMARY KEY,
    id   VARCHAR(64) NOT NULL
);
