CREATE TABLE trace (
    number            ${identity},
    id                VARCHAR(250) NOT NULL,
    project           VARCHAR(63) NOT NULL,
    experiment_id     BIGINT NOT NULL,
    state             VARCHAR(30) NOT NULL,
    requested_at      BIGINT NOT NULL,
    execution_ms      BIGINT,
    client_request_id VARCHAR(250),
    request_preview   TEXT NOT NULL,
    response_preview  TEXT NOT NULL,
    UNIQUE (project, id)
);
CREATE INDEX trace_by_time ON trace (experiment_id, requested_at DESC, id);

-- Tags and metadata alike.
CREATE TABLE trace_text (
    trace BIGINT NOT NULL,
    kind  VARCHAR(10) NOT NULL,
    name  VARCHAR(250) NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (trace, kind, name)
) ${clustered};
CREATE INDEX trace_text_by_value ON trace_text (kind, name, substr(value, 1, 100), trace);

-- attributes: a JSON object of texts; content: the span as OTLP's JSON.
CREATE TABLE trace_span (
    trace      BIGINT NOT NULL,
    id         VARCHAR(32) NOT NULL,
    parent_id  VARCHAR(32),
    name       TEXT NOT NULL,
    type       VARCHAR(250) NOT NULL,
    status     VARCHAR(30) NOT NULL,
    started_ns BIGINT NOT NULL,
    ended_ns   BIGINT,
    attributes TEXT NOT NULL,
    content    TEXT NOT NULL,
    PRIMARY KEY (trace, id)
);

CREATE TABLE assessment (
    id          VARCHAR(64) PRIMARY KEY,
    trace       BIGINT NOT NULL,
    name        VARCHAR(250) NOT NULL,
    kind        VARCHAR(20) NOT NULL,
    value       TEXT NOT NULL,
    content     TEXT NOT NULL,
    span_id     VARCHAR(32),
    source_type VARCHAR(50) NOT NULL,
    source_id   VARCHAR(250) NOT NULL,
    rationale   TEXT,
    metadata    TEXT NOT NULL,
    overrides   VARCHAR(64),
    valid       BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX assessment_by_trace ON assessment (trace);

CREATE TABLE trace_run (
    trace BIGINT NOT NULL,
    run   BIGINT NOT NULL,
    PRIMARY KEY (trace, run)
) ${clustered};
CREATE INDEX trace_run_by_run ON trace_run (run);

-- Questions and expected answers with which applications are evaluated.
CREATE TABLE evaluation_data_set (
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
    updated_at BIGINT NOT NULL,
    UNIQUE (project, name)
);

CREATE TABLE evaluation_experiment (
    data_set      VARCHAR(64) NOT NULL,
    experiment_id BIGINT NOT NULL,
    PRIMARY KEY (data_set, experiment_id)
);

CREATE TABLE evaluation_record (
    id           VARCHAR(64) PRIMARY KEY,
    data_set     VARCHAR(64) NOT NULL,
    inputs       TEXT NOT NULL,
    inputs_hash  VARCHAR(64) NOT NULL,
    outputs      TEXT,
    expectations TEXT,
    tags         TEXT,
    source       TEXT,
    source_type  VARCHAR(30) NOT NULL,
    source_id    VARCHAR(250),
    created_by   VARCHAR(255) NOT NULL,
    updated_by   VARCHAR(255) NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    UNIQUE (data_set, inputs_hash)
);

CREATE TABLE scorer (
    id            VARCHAR(64) NOT NULL,
    experiment_id BIGINT NOT NULL,
    name          VARCHAR(255) NOT NULL,
    version       INTEGER NOT NULL,
    content       TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (experiment_id, name, version)
);
