-- Refusals that are alike within a minute share a row; the newest rows are found by their time.
ALTER TABLE audit_refusal ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
CREATE INDEX audit_refusal_time ON audit_refusal (record_time);
