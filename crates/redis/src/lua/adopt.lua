-- Runs first on a new connection, and compares the server process with the one in the floor. Returns 1 if
-- a known floor was raised.
-- KEYS: floor. ARGV: margin, '1' if a new process may have lost writes and '0' otherwise.
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
