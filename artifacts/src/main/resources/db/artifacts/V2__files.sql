-- Files that clients name by path; their contents are blobs. Paths compare by their bytes, so that a folder is one range.
CREATE TABLE artifact_file (
    project    VARCHAR(63) NOT NULL,
    path       ${bytewise_text} NOT NULL,
    digest     VARCHAR(64) NOT NULL,
    size       BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (project, path)
);
