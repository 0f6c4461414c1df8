-- Ends a session and forgets it. KEYS: floor, mark.
-- ARGV: hash of the id, sessions, tokens, users, when, how long it is remembered.
only_on_a_primary(KEYS[1])
remove(ARGV[2], ARGV[3], ARGV[4], ARGV[1])
mark(KEYS[2], ARGV[5], ARGV[6])
return 1
