-- Deletes a session. Returns 0 if it does not exist. KEYS: floor, session.
-- ARGV: hash of the id, prefixes of sessions, tokens and users.
only_on_a_primary(KEYS[1])
return remove(ARGV[2], ARGV[3], ARGV[4], ARGV[1])
