-- What has expired is found by its time.
CREATE INDEX web_session_expiry ON web_session (expires_at);
CREATE INDEX api_token_expiry ON api_token (expires_at);
