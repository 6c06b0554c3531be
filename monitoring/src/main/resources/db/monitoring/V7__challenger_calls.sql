-- On how many rows a challenger was asked and failed, tick by tick.
CREATE TABLE monitor_challenger_calls (
    project    VARCHAR(63) NOT NULL,
    deployment VARCHAR(63) NOT NULL,
    challenger INTEGER NOT NULL,
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    asked      BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    PRIMARY KEY (project, deployment, challenger, ends_at)
);
CREATE INDEX monitor_challenger_calls_by_writing ON monitor_challenger_calls (written_at);
-- What is held is found without reading what is not.
CREATE INDEX prediction_by_quarantine ON prediction (project, deployment, event_time) WHERE quarantine IS NOT NULL;
