CREATE TABLE project_blob (
    project VARCHAR(63) NOT NULL,
    digest  VARCHAR(64) NOT NULL,
    PRIMARY KEY (project, digest)
);
