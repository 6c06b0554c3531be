CREATE TABLE registered_model (
    project     VARCHAR(63) NOT NULL,
    name        VARCHAR(63) NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE model_version (
    project        VARCHAR(63) NOT NULL,
    model          VARCHAR(63) NOT NULL,
    version        INTEGER NOT NULL,
    stage          VARCHAR(20) NOT NULL,
    folder_digest  VARCHAR(64) NOT NULL,
    signature      TEXT NOT NULL,
    metrics        TEXT NOT NULL,
    params         TEXT NOT NULL,
    run_id         VARCHAR(64),
    data_versions  TEXT NOT NULL,
    data_digest    VARCHAR(64) NOT NULL,
    code_version   VARCHAR(200) NOT NULL,
    data_until     BIGINT,
    made_by        VARCHAR(300) NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (project, model, version),
    UNIQUE (project, model, made_by)
);

CREATE TABLE model_alias (
    project VARCHAR(63) NOT NULL,
    model   VARCHAR(63) NOT NULL,
    alias   VARCHAR(63) NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (project, model, alias)
);
