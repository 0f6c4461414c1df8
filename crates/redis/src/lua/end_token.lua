-- Marks a token as ended. KEYS: floor, mark. ARGV: time, duration to keep the mark.
only_on_a_primary(KEYS[1])
mark(KEYS[2], ARGV[1], ARGV[2])
return 1
