-- Ends the membership of a node. KEYS: floor. ARGV: member.
only_on_a_primary(KEYS[1])
remove_member(KEYS[1], ARGV[1])
return 1
