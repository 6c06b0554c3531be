-- The columns for which a window is broken, the worst first.
ALTER TABLE monitor_window ADD COLUMN faults TEXT NOT NULL DEFAULT '[]';
-- The newest retraining, whatever has become of it.
ALTER TABLE monitor_state ADD COLUMN last_run TEXT;
