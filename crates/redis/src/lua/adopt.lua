-- Runs first on a new connection, and compares the server process with the one in the floor. Returns 1 if
-- a known floor was raised.
-- KEYS: floor. ARGV: margin, what a new process has lost ('nothing', 'unknown', or 'trusted' if the operator
-- wants users to stay signed in although it is unknown), process to which this
-- node was connected last ('none', 'same' or 'other').
only_on_a_primary(KEYS[1])
local known = redis.call('HGET', KEYS[1], 'server')
if known == ARGV[#ARGV] then
    if ARGV[3] == 'other' then
        others_may_serve(KEYS[1])
    end
    return 0
end
if known and ARGV[2] ~= 'unknown' then
    redis.call('HSET', KEYS[1], 'server', ARGV[#ARGV])
    if ARGV[2] == 'trusted' then
        begin_era(KEYS[1], now(), false)
    end
    return 0
end
raise(KEYS[1], ARGV[1], not known and ARGV[3] == 'none')
return known and 1 or 0
