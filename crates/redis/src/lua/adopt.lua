-- The first thing on a new connection: is this the process that we know? 1 when the floor was raised.
-- KEYS: floor. ARGV: margin, whether another process may have lost something ('1' or '0').
only_on_a_primary(KEYS[1])
local known = redis.call('HGET', KEYS[1], 'server')
if known == ARGV[#ARGV] then
    return 0
end
if known and ARGV[2] == '0' then
    redis.call('HSET', KEYS[1], 'server', ARGV[#ARGV])
    return 0
end
raise(KEYS[1], ARGV[1])
return known and 1 or 0
