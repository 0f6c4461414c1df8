-- Ends a session: deletes its record, marks its id as ended, and orders the nodes to end its sockets.
-- Returns the receipt of the order. KEYS: floor, mark. ARGV: hash of the id, prefixes of sessions, tokens and
-- users, time, duration to keep the mark, id.
only_on_a_primary(KEYS[1])
remove(ARGV[2], ARGV[3], ARGV[4], ARGV[1])
mark(KEYS[2], ARGV[5], ARGV[6])
return order(KEYS[1], 'session', ARGV[7], '0', '0')
