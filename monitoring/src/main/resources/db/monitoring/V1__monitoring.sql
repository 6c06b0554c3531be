CREATE TABLE monitor (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(63) NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE prediction (
    project            VARCHAR(63) NOT NULL,
    deployment         VARCHAR(63) NOT NULL,
    id                 VARCHAR(220) NOT NULL,
    event_time         BIGINT NOT NULL,
    received_at        BIGINT NOT NULL,
    features           TEXT NOT NULL,
    challenger_served  BOOLEAN NOT NULL,
    champion_version   INTEGER NOT NULL,
    champion_output    TEXT NOT NULL,
    challenger_version INTEGER,
    challenger_output  TEXT NOT NULL,
    label              TEXT,
    labelled_at        BIGINT,
    champion_loss      DOUBLE PRECISION,
    challenger_loss    DOUBLE PRECISION,
    PRIMARY KEY (project, deployment, id)
);
CREATE INDEX prediction_by_time ON prediction (project, deployment, event_time);

CREATE TABLE monitor_window (
    project         VARCHAR(63) NOT NULL,
    deployment      VARCHAR(63) NOT NULL,
    starts_at       BIGINT NOT NULL,
    ends_at         BIGINT NOT NULL,
    version         INTEGER NOT NULL,
    row_count       BIGINT NOT NULL,
    labelled        BIGINT NOT NULL,
    error           DOUBLE PRECISION,
    reference_error DOUBLE PRECISION,
    degraded        BOOLEAN NOT NULL,
    broken          BOOLEAN NOT NULL,
    drift           TEXT NOT NULL,
    profile         TEXT NOT NULL,
    PRIMARY KEY (project, deployment, starts_at)
);

CREATE TABLE monitor_state (
    project      VARCHAR(63) NOT NULL,
    deployment   VARCHAR(63) NOT NULL,
    origin       BIGINT NOT NULL,
    watermark    BIGINT NOT NULL,
    declared     BOOLEAN NOT NULL,
    processed    BIGINT NOT NULL,
    windows_till BIGINT NOT NULL,
    pending_run  VARCHAR(64),
    trained_till BIGINT,
    PRIMARY KEY (project, deployment)
);
