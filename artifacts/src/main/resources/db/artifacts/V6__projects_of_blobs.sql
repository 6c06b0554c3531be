-- Which projects may read a blob, asked for each one that goes and for each that nothing has named.
CREATE INDEX project_blob_digest ON project_blob (digest);

-- Parts that came when their upload had ended: nothing would let go of them.
DELETE FROM artifact_upload_part WHERE upload NOT IN (SELECT id FROM artifact_upload);
