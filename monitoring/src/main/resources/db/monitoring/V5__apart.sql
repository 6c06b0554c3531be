-- Predictions in a row that are far from the rest.
ALTER TABLE monitor_state ADD COLUMN behind BIGINT NOT NULL DEFAULT 0;
ALTER TABLE monitor_state ADD COLUMN apart_from BIGINT;
