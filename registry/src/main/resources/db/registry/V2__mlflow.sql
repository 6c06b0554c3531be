-- What MLflow's clients say of models and versions. Names may be longer, and a version's files may be elsewhere.
CREATE TABLE model (
    project     VARCHAR(63) NOT NULL,
    name        VARCHAR(256) NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);
INSERT INTO model SELECT project, name, '', created_at, created_at FROM registered_model;
DROP TABLE registered_model;

CREATE TABLE model_tag (
    project VARCHAR(63) NOT NULL,
    model   VARCHAR(256) NOT NULL,
    -- 0 for the model itself
    version INTEGER NOT NULL,
    name    VARCHAR(250) NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (project, model, version, name)
);

CREATE TABLE version (
    project        VARCHAR(63) NOT NULL,
    model          VARCHAR(256) NOT NULL,
    version        INTEGER NOT NULL,
    stage          VARCHAR(20) NOT NULL,
    description    TEXT NOT NULL,
    source         TEXT NOT NULL,
    run_link       TEXT NOT NULL,
    logged_model   VARCHAR(64),
    folder_digest  VARCHAR(64),
    signature      TEXT NOT NULL,
    metrics        TEXT NOT NULL,
    params         TEXT NOT NULL,
    run_id         VARCHAR(64),
    data_versions  TEXT NOT NULL,
    data_digest    VARCHAR(64) NOT NULL,
    code_version   VARCHAR(200) NOT NULL,
    data_until     BIGINT,
    made_by        VARCHAR(300) NOT NULL,
    made_by_user   VARCHAR(256) NOT NULL,
    deleted        BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (project, model, version),
    UNIQUE (project, model, made_by)
);
CREATE INDEX version_by_run ON version (project, run_id);
INSERT INTO version
SELECT project, model, version, CASE stage WHEN 'ACTIVE' THEN 'NONE' ELSE stage END, '',
       'mlflow-artifacts:/folders/' || folder_digest, '', NULL, folder_digest, signature, metrics, params, run_id, data_versions,
       data_digest, code_version, data_until, made_by, '', FALSE, created_at, created_at
FROM model_version;
DROP TABLE model_version;

CREATE TABLE alias (
    project VARCHAR(63) NOT NULL,
    model   VARCHAR(256) NOT NULL,
    alias   VARCHAR(255) NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (project, model, alias)
);
INSERT INTO alias SELECT project, model, alias, version FROM model_alias;
DROP TABLE model_alias;
