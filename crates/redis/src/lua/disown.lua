-- Ends an ownership. Returns 1 if it existed, 0 otherwise.
-- KEYS: floor, owner of the name. ARGV: member, number.
only_on_a_primary(KEYS[1])
local found = redis.call('HMGET', KEYS[2], 'member', 'number')
if found[1] == ARGV[1] and found[2] == ARGV[2] then
    return redis.call('DEL', KEYS[2])
end
return 0
