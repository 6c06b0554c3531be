CREATE TABLE pipeline (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(63) NOT NULL,
    version    INTEGER NOT NULL,
    digest     VARCHAR(64) NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project, name, version)
);

CREATE TABLE pipeline_run (
    id               VARCHAR(64) PRIMARY KEY,
    project          VARCHAR(63) NOT NULL,
    pipeline         VARCHAR(63) NOT NULL,
    pipeline_version INTEGER NOT NULL,
    request_key      VARCHAR(200),
    parameters       TEXT NOT NULL,
    state            VARCHAR(20) NOT NULL,
    actor            VARCHAR(200) NOT NULL,
    cause            VARCHAR(300),
    error            TEXT,
    created_at       BIGINT NOT NULL,
    finished_at      BIGINT,
    UNIQUE (project, request_key)
);
CREATE INDEX pipeline_run_newest ON pipeline_run (project, id);

CREATE TABLE step_run (
    run_id      VARCHAR(64) NOT NULL REFERENCES pipeline_run (id),
    name        VARCHAR(120) NOT NULL,
    step        VARCHAR(63) NOT NULL,
    position    INTEGER NOT NULL,
    choice      TEXT NOT NULL,
    state       VARCHAR(20) NOT NULL,
    remaining   INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    fence       BIGINT NOT NULL,
    lease_owner VARCHAR(64),
    lease_until BIGINT,
    ready_at    BIGINT NOT NULL,
    cached      BOOLEAN NOT NULL,
    inputs      TEXT,
    outputs     TEXT,
    error       TEXT,
    started_at  BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (run_id, name)
);
CREATE INDEX step_run_ready ON step_run (state, ready_at);

CREATE TABLE step_cache (
    project   VARCHAR(63) NOT NULL,
    cache_key VARCHAR(64) NOT NULL,
    outputs   TEXT NOT NULL,
    made_by   VARCHAR(200) NOT NULL,
    made_at   BIGINT NOT NULL,
    PRIMARY KEY (project, cache_key)
);
