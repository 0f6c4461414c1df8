-- Marks a token as ended, and orders the nodes to end its sockets. Returns the receipt of the order.
-- KEYS: floor, mark. ARGV: time, duration to keep the mark, id.
only_on_a_primary(KEYS[1])
mark(KEYS[2], ARGV[1], ARGV[2])
return order(KEYS[1], 'token', ARGV[3], '0', '0')
