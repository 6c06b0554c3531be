-- Addresses of screens that somebody gave a name.
CREATE TABLE saved_view (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(100) NOT NULL,
    address    VARCHAR(8000) NOT NULL,
    made_by    VARCHAR(200) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);
