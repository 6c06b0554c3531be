CREATE TABLE feature_view (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(63) NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project, name)
);
