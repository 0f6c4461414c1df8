-- Ends a token. KEYS: floor, mark. ARGV: when, how long it is remembered.
only_on_a_primary(KEYS[1])
mark(KEYS[2], ARGV[1], ARGV[2])
return 1
