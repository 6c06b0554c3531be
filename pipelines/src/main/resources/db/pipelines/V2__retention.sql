CREATE INDEX pipeline_run_ended ON pipeline_run (finished_at);
CREATE INDEX pipeline_run_of_pipeline ON pipeline_run (project, pipeline, id);
CREATE INDEX step_cache_made ON step_cache (made_at);
