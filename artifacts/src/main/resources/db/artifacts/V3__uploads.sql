-- With it links are signed that need no credentials; all replicas share it.
CREATE TABLE signing_key (
    name   VARCHAR(50) PRIMARY KEY,
    secret VARCHAR(100) NOT NULL
);

-- Uploads in parts that are not complete yet. A part's content is a blob.
CREATE TABLE artifact_upload (
    id         VARCHAR(64) PRIMARY KEY,
    project    VARCHAR(63) NOT NULL,
    path       ${bytewise_text} NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE artifact_upload_part (
    upload VARCHAR(64) NOT NULL,
    number INTEGER NOT NULL,
    digest VARCHAR(64) NOT NULL,
    size   BIGINT NOT NULL,
    PRIMARY KEY (upload, number)
);
