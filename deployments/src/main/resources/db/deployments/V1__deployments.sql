CREATE TABLE rollout_policy (
    project    VARCHAR(63) NOT NULL,
    name       VARCHAR(63) NOT NULL,
    version    INTEGER NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE deployment (
    project        VARCHAR(63) NOT NULL,
    name           VARCHAR(63) NOT NULL,
    definition     TEXT NOT NULL,
    revision       BIGINT NOT NULL,
    champion       INTEGER,
    champion_since BIGINT,
    challenger     INTEGER,
    phase          VARCHAR(20) NOT NULL,
    share          DOUBLE PRECISION NOT NULL,
    phase_since    BIGINT,
    offered_at     BIGINT,
    event_time     BIGINT,
    PRIMARY KEY (project, name)
);

CREATE TABLE deployment_decision (
    position    ${identity},
    project     VARCHAR(63) NOT NULL,
    deployment  VARCHAR(63) NOT NULL,
    at          BIGINT,
    recorded_at BIGINT NOT NULL,
    action      VARCHAR(40) NOT NULL,
    version     INTEGER,
    reason      TEXT NOT NULL,
    evidence    TEXT NOT NULL,
    actor       VARCHAR(200) NOT NULL,
    made_by     VARCHAR(300),
    UNIQUE (project, deployment, made_by)
);
