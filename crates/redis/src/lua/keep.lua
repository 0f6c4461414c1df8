-- Extends the ownership of a name. Returns the owner and the number of the ownership, or false if the caller does not
-- own the name.
-- KEYS: floor, owner of the name. ARGV: margin of the floor, member, time in ms.
read_floor(KEYS[1], ARGV[1])
local found = redis.call('HMGET', KEYS[2], 'member', 'number')
if found[1] ~= ARGV[2] or not is_member(KEYS[1], ARGV[2]) then
    return false
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return found
