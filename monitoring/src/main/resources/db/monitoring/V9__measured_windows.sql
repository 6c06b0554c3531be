-- The reference and the first measured windows of a version are found without reading the windows that have no error.
CREATE INDEX monitor_window_by_reference ON monitor_window (project, deployment, version, ends_at) WHERE reference_error IS NOT NULL;
CREATE INDEX monitor_window_by_error ON monitor_window (project, deployment, version, ends_at) WHERE error IS NOT NULL;
