CREATE TABLE event (
    position       ${identity},
    transaction_id ${transaction_id},
    id             VARCHAR(64) NOT NULL UNIQUE,
    type           VARCHAR(120) NOT NULL,
    schema_version INTEGER NOT NULL,
    project        VARCHAR(63) NOT NULL,
    subject        VARCHAR(300) NOT NULL,
    digest         VARCHAR(100),
    actor          VARCHAR(200) NOT NULL,
    cause          VARCHAR(300),
    event_time     BIGINT,
    record_time    BIGINT NOT NULL,
    data           TEXT NOT NULL
);
CREATE INDEX event_by_project ON event (project, position);
CREATE INDEX event_by_subject ON event (project, subject, position);

CREATE TABLE event_cursor (
    subscriber VARCHAR(100) PRIMARY KEY,
    position   BIGINT NOT NULL
);

CREATE TABLE inbound_event (
    project VARCHAR(63) NOT NULL,
    source  VARCHAR(500) NOT NULL,
    id      VARCHAR(300) NOT NULL,
    PRIMARY KEY (project, source, id)
);

CREATE TABLE webhook (
    id             VARCHAR(64) PRIMARY KEY,
    project        VARCHAR(63) NOT NULL,
    url            VARCHAR(2000) NOT NULL,
    secret         VARCHAR(200) NOT NULL,
    types          TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    position       BIGINT NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,
    next_attempt   BIGINT NOT NULL DEFAULT 0,
    delivered      BIGINT NOT NULL DEFAULT 0,
    given_up       BIGINT NOT NULL DEFAULT 0,
    last_failure   TEXT
);

CREATE TABLE audit_refusal (
    position    ${identity},
    record_time BIGINT NOT NULL,
    actor       VARCHAR(200) NOT NULL,
    address     VARCHAR(100) NOT NULL,
    method      VARCHAR(10) NOT NULL,
    path        VARCHAR(1000) NOT NULL,
    code        VARCHAR(60) NOT NULL
);

CREATE TABLE definition (
    project     VARCHAR(63) NOT NULL,
    kind        VARCHAR(60) NOT NULL,
    name        VARCHAR(63) NOT NULL,
    version     INTEGER NOT NULL,
    digest      VARCHAR(64) NOT NULL,
    path        VARCHAR(500) NOT NULL,
    text        TEXT NOT NULL,
    attachments TEXT NOT NULL,
    applied_at  BIGINT NOT NULL,
    PRIMARY KEY (project, kind, name)
);
