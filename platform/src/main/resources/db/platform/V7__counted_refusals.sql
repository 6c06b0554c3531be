-- Refusals that are alike within a minute share a row.
ALTER TABLE audit_refusal ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
