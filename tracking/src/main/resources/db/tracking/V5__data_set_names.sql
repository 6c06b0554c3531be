-- Data sets are told apart by their ids: several may have one name. SQLite drops no constraint of a table that is there.
CREATE TABLE evaluation_data_set_new (
    id         VARCHAR(64) PRIMARY KEY,
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(255) NOT NULL,
    tags       TEXT NOT NULL,
    schema_text TEXT NOT NULL,
    profile    TEXT NOT NULL,
    digest     VARCHAR(64) NOT NULL,
    created_by VARCHAR(255) NOT NULL,
    updated_by VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO evaluation_data_set_new (id, project, name, tags, schema_text, profile, digest, created_by, updated_by, created_at, updated_at)
    SELECT id, project, name, tags, schema_text, profile, digest, created_by, updated_by, created_at, updated_at
    FROM evaluation_data_set;
DROP TABLE evaluation_data_set;
ALTER TABLE evaluation_data_set_new RENAME TO evaluation_data_set;
CREATE INDEX evaluation_data_set_by_name ON evaluation_data_set (project, name);
CREATE INDEX evaluation_data_set_by_time ON evaluation_data_set (project, created_at, id);
