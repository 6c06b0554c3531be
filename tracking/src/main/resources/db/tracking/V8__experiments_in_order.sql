-- The newest experiments of a project, and all of them by their ids, are found a page at a time.
CREATE INDEX experiment_newest ON experiment (project, created_at DESC, id DESC);
CREATE INDEX experiment_by_id ON experiment (project, id);
