-- What a user did, signed in or by a program, is found without reading what others did.
CREATE INDEX event_by_user ON event ((${user_of_actor}), position);
CREATE INDEX audit_refusal_by_user ON audit_refusal ((${user_of_actor}), position);
