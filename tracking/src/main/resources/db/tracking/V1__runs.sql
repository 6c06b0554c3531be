CREATE TABLE experiment (
    id         ${identity},
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(500) NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project, name)
);

CREATE TABLE tracked_run (
    id            VARCHAR(64) PRIMARY KEY,
    project       VARCHAR(63) NOT NULL,
    experiment_id BIGINT NOT NULL,
    name          VARCHAR(500) NOT NULL,
    source_key    VARCHAR(300),
    status        VARCHAR(20) NOT NULL,
    started_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    model_digest  VARCHAR(64),
    UNIQUE (project, source_key)
);
CREATE INDEX tracked_run_newest ON tracked_run (project, experiment_id, started_at);

CREATE TABLE run_param (
    run_id VARCHAR(64) NOT NULL,
    name   VARCHAR(250) NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
);

CREATE TABLE run_tag (
    run_id VARCHAR(64) NOT NULL,
    name   VARCHAR(250) NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, name)
);

CREATE TABLE metric_point (
    run_id      VARCHAR(64) NOT NULL,
    name        VARCHAR(250) NOT NULL,
    step        BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    value       DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, name, step, recorded_at, value)
);

CREATE TABLE metric_latest (
    run_id      VARCHAR(64) NOT NULL,
    name        VARCHAR(250) NOT NULL,
    step        BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    value       DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, name)
);
