-- Deployments that were deleted and of whose journal there may be rows left.
CREATE TABLE monitor_gone (
    project    VARCHAR(63) NOT NULL,
    deployment VARCHAR(63) NOT NULL,
    gone_at    BIGINT NOT NULL,
    PRIMARY KEY (project, deployment)
);
-- Why the ticks of a deployment fail.
ALTER TABLE monitor_state ADD COLUMN halt_reason TEXT;
ALTER TABLE monitor_state ADD COLUMN halted_since BIGINT;
