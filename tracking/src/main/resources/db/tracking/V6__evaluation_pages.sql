-- Pages of a set's records go on behind the last one.
CREATE INDEX evaluation_record_by_time ON evaluation_record (data_set, created_at, id);
