-- What removes a run for good ends the uploads to it.
CREATE INDEX artifact_upload_path ON artifact_upload (project, path);
