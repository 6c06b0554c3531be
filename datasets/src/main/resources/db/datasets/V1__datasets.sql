CREATE TABLE data_set (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(63) NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE iceberg_table (
    project  VARCHAR(63) NOT NULL,
    name     VARCHAR(63) NOT NULL,
    metadata VARCHAR(2000) NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE data_set_version (
    project     VARCHAR(63) NOT NULL,
    data_set    VARCHAR(63) NOT NULL,
    version     INTEGER NOT NULL,
    snapshot_id BIGINT NOT NULL,
    digest      VARCHAR(64) NOT NULL,
    row_count   BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    schema_json TEXT NOT NULL,
    summary     TEXT NOT NULL,
    sources     TEXT NOT NULL,
    made_by     VARCHAR(300) NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (project, data_set, version),
    UNIQUE (project, data_set, made_by)
);
