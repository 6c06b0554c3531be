-- What programs did before users stood in the actor is told of whoever owns the token, as long as that is known.
UPDATE event
SET actor = 'user:' || (SELECT user_name FROM api_token WHERE api_token.id = SUBSTR(event.actor, 7)) || '/' || actor
WHERE actor IN (SELECT 'token:' || id FROM api_token);
