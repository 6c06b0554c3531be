-- Pages of the journal go on from event time and id.
CREATE INDEX prediction_by_position ON prediction (project, deployment, event_time, id);
DROP INDEX prediction_by_time;
-- What retention deletes first.
CREATE INDEX prediction_by_receipt ON prediction (received_at);
ALTER TABLE prediction ADD COLUMN quarantine VARCHAR(20);

ALTER TABLE monitor_state ADD COLUMN reached_at BIGINT NOT NULL DEFAULT 0;
-- States from before have a history.
ALTER TABLE monitor_state ADD COLUMN believed BIGINT NOT NULL DEFAULT 1000;
ALTER TABLE monitor_state ADD COLUMN ahead BIGINT NOT NULL DEFAULT 0;
ALTER TABLE monitor_state ADD COLUMN quarantined BIGINT NOT NULL DEFAULT 0;
ALTER TABLE monitor_state ADD COLUMN quarantine_cause VARCHAR(20);
ALTER TABLE monitor_state ADD COLUMN sliced_till BIGINT;
ALTER TABLE monitor_state ADD COLUMN late_labels BIGINT NOT NULL DEFAULT 0;

ALTER TABLE monitor_window ADD COLUMN closed_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX monitor_window_by_close ON monitor_window (closed_at);

CREATE TABLE monitor_slice (
    project     VARCHAR(63) NOT NULL,
    deployment  VARCHAR(63) NOT NULL,
    starts_at   BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    version     INTEGER NOT NULL,
    row_count   BIGINT NOT NULL,
    labelled    BIGINT NOT NULL,
    loss        DOUBLE PRECISION NOT NULL,
    trials      TEXT NOT NULL,
    counts      TEXT NOT NULL,
    written_at  BIGINT NOT NULL,
    PRIMARY KEY (project, deployment, starts_at)
);
CREATE INDEX monitor_slice_by_writing ON monitor_slice (written_at);
