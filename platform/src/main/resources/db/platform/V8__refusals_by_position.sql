-- The newest refusals are found by their position.
DROP INDEX IF EXISTS audit_refusal_time;
