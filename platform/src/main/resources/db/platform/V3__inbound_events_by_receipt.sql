-- Those from before are undated, and so the first to be forgotten.
ALTER TABLE inbound_event ADD COLUMN received_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX inbound_event_by_receipt ON inbound_event (received_at);
