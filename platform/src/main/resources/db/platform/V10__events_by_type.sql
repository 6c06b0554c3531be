-- The newest events of a type are found without reading those of other types.
CREATE INDEX event_by_type ON event (project, type, position);
