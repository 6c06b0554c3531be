CREATE TABLE project (
    name        VARCHAR(63) PRIMARY KEY,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE user_account (
    name          VARCHAR(63) PRIMARY KEY,
    password_hash VARCHAR(300) NOT NULL,
    administrator BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE project_member (
    project   VARCHAR(63) NOT NULL REFERENCES project (name),
    user_name VARCHAR(63) NOT NULL REFERENCES user_account (name),
    role      VARCHAR(20) NOT NULL,
    PRIMARY KEY (project, user_name)
);

CREATE TABLE api_token (
    id           VARCHAR(64) PRIMARY KEY,
    secret_hash  VARCHAR(64) NOT NULL UNIQUE,
    user_name    VARCHAR(63) NOT NULL REFERENCES user_account (name),
    label        VARCHAR(200) NOT NULL,
    role_cap     VARCHAR(20),
    only_project VARCHAR(63),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE web_session (
    secret_hash VARCHAR(64) PRIMARY KEY,
    user_name   VARCHAR(63) NOT NULL REFERENCES user_account (name),
    expires_at  BIGINT NOT NULL
);

CREATE TABLE setup_secret (
    secret_hash VARCHAR(64) PRIMARY KEY
);
