-- Addresses of screens that somebody gave a name.
CREATE TABLE saved_view (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(100) NOT NULL,
    address    VARCHAR(8000) NOT NULL,
    made_by    VARCHAR(200) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

-- With is_nan in front of the value a search by value reads the index alone.
DROP INDEX metric_newest_by_value;
CREATE INDEX metric_newest_by_value ON metric_newest (metric, is_nan, value, run);
