-- The one data directory that holds the files of this database, and the server that has it open.
CREATE TABLE server_instance (
    name         VARCHAR(20) PRIMARY KEY,
    directory_id VARCHAR(64) NOT NULL,
    directory    VARCHAR(4000) NOT NULL,
    host         VARCHAR(300) NOT NULL,
    lease_until  BIGINT NOT NULL
);
