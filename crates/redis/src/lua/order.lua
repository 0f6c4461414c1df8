-- Appends an order that stores nothing, and returns its receipt. KEYS: floor. ARGV: kind, name.
only_on_a_primary(KEYS[1])
return order(KEYS[1], ARGV[1], ARGV[2], '0', '0')
