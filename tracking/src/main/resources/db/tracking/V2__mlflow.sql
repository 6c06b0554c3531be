-- Runs and names of metrics get short numbers, which the large tables hold instead of texts.
ALTER TABLE experiment ADD COLUMN artifact_location TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment ADD COLUMN deleted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE experiment ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE experiment SET artifact_location = 'mlflow-artifacts:/' || id, updated_at = created_at;

CREATE TABLE experiment_tag (
    experiment_id BIGINT NOT NULL,
    name          VARCHAR(250) NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (experiment_id, name)
);

CREATE TABLE run (
    number        ${identity},
    id            VARCHAR(64) NOT NULL UNIQUE,
    project       VARCHAR(63) NOT NULL,
    experiment_id BIGINT NOT NULL,
    name          VARCHAR(500) NOT NULL,
    source_key    VARCHAR(300),
    user_name     VARCHAR(256) NOT NULL,
    status        VARCHAR(20) NOT NULL,
    deleted       BOOLEAN NOT NULL,
    deleted_at    BIGINT,
    started_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    artifacts     TEXT NOT NULL,
    model_digest  VARCHAR(64),
    UNIQUE (project, source_key)
);
CREATE INDEX run_by_start ON run (experiment_id, started_at DESC, id);
CREATE INDEX run_newest ON run (project, id);

INSERT INTO run (id, project, experiment_id, name, source_key, user_name, status, deleted, started_at, ended_at, artifacts,
                 model_digest)
SELECT id, project, experiment_id, name, source_key, '', status, FALSE, started_at, ended_at,
       'mlflow-artifacts:/' || experiment_id || '/' || id || '/artifacts', model_digest
FROM tracked_run ORDER BY id;

CREATE TABLE param (
    run   BIGINT NOT NULL,
    name  VARCHAR(250) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) ${clustered};
INSERT INTO param SELECT run.number, run_param.name, run_param.value FROM run_param JOIN run ON run.id = run_param.run_id;
-- Values may be longer than an index takes: their beginning finds them.
CREATE INDEX param_by_value ON param (name, substr(value, 1, 100), run);

CREATE TABLE tag (
    run   BIGINT NOT NULL,
    name  VARCHAR(250) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) ${clustered};
INSERT INTO tag SELECT run.number, run_tag.name, run_tag.value FROM run_tag JOIN run ON run.id = run_tag.run_id;
CREATE INDEX tag_by_value ON tag (name, substr(value, 1, 100), run);

CREATE TABLE metric_name (
    number ${identity},
    name   VARCHAR(250) NOT NULL UNIQUE
);
INSERT INTO metric_name (name) SELECT DISTINCT name FROM metric_latest;

-- A value that is no number is kept as 0 with is_nan; infinities as the largest finite numbers.
CREATE TABLE metric_value (
    run         BIGINT NOT NULL,
    metric      BIGINT NOT NULL,
    step        BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    value       DOUBLE PRECISION NOT NULL,
    is_nan      BOOLEAN NOT NULL,
    PRIMARY KEY (run, metric, step, recorded_at, value, is_nan)
) ${clustered};
INSERT INTO metric_value
SELECT run.number, metric_name.number, step, recorded_at, value, FALSE
FROM metric_point JOIN run ON run.id = metric_point.run_id JOIN metric_name ON metric_name.name = metric_point.name;

CREATE TABLE metric_newest (
    run         BIGINT NOT NULL,
    metric      BIGINT NOT NULL,
    step        BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    value       DOUBLE PRECISION NOT NULL,
    is_nan      BOOLEAN NOT NULL,
    PRIMARY KEY (run, metric)
) ${clustered};
INSERT INTO metric_newest
SELECT run.number, metric_name.number, step, recorded_at, value, FALSE
FROM metric_latest JOIN run ON run.id = metric_latest.run_id JOIN metric_name ON metric_name.name = metric_latest.name;
CREATE INDEX metric_newest_by_value ON metric_newest (metric, value, run);

CREATE TABLE data_set_input (
    number        ${identity},
    experiment_id BIGINT NOT NULL,
    name          VARCHAR(500) NOT NULL,
    digest        VARCHAR(36) NOT NULL,
    source_type   VARCHAR(36) NOT NULL,
    source        TEXT NOT NULL,
    schema_text   TEXT NOT NULL,
    profile       TEXT NOT NULL,
    UNIQUE (experiment_id, name, digest)
);

CREATE TABLE run_input (
    run      BIGINT NOT NULL,
    data_set BIGINT NOT NULL,
    tags     TEXT NOT NULL,
    context  VARCHAR(500) NOT NULL,
    PRIMARY KEY (run, data_set)
);

CREATE TABLE run_model (
    run       BIGINT NOT NULL,
    model_id  VARCHAR(64) NOT NULL,
    is_output BOOLEAN NOT NULL,
    step      BIGINT NOT NULL,
    PRIMARY KEY (run, model_id, is_output)
);

CREATE TABLE logged_model (
    id             VARCHAR(64) PRIMARY KEY,
    project        VARCHAR(63) NOT NULL,
    experiment_id  BIGINT NOT NULL,
    name           VARCHAR(500) NOT NULL,
    model_type     VARCHAR(500) NOT NULL,
    status         VARCHAR(30) NOT NULL,
    status_message TEXT NOT NULL,
    source_run     VARCHAR(64) NOT NULL,
    artifacts      TEXT NOT NULL,
    deleted        BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);
CREATE INDEX logged_model_newest ON logged_model (experiment_id, created_at DESC, id);

CREATE TABLE logged_model_text (
    model_id VARCHAR(64) NOT NULL,
    kind     VARCHAR(10) NOT NULL,
    name     VARCHAR(250) NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (model_id, kind, name)
);

CREATE TABLE logged_model_metric (
    model_id        VARCHAR(64) NOT NULL,
    name            VARCHAR(250) NOT NULL,
    step            BIGINT NOT NULL,
    run_id          VARCHAR(64) NOT NULL,
    recorded_at     BIGINT NOT NULL,
    value           DOUBLE PRECISION NOT NULL,
    is_nan          BOOLEAN NOT NULL,
    data_set_name   VARCHAR(500) NOT NULL,
    data_set_digest VARCHAR(36) NOT NULL,
    PRIMARY KEY (model_id, name, step, run_id, recorded_at)
);

DROP TABLE metric_latest;
DROP TABLE metric_point;
DROP TABLE run_param;
DROP TABLE run_tag;
DROP TABLE tracked_run;
