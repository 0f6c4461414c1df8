-- Forgets a session; 0 when it is not there. KEYS: floor, session.
-- ARGV: hash of the id, sessions, tokens, users.
only_on_a_primary(KEYS[1])
return remove(ARGV[2], ARGV[3], ARGV[4], ARGV[1])
