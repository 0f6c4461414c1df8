-- Notes a sign of life; 0 when the session is not there or was over then: the same as Session::is_over.
-- KEYS: floor, session. ARGV: when.
only_on_a_primary(KEYS[1])
local found = redis.call('HMGET', KEYS[2], 'seen_at', 'idle_timeout', 'ends_at')
if not found[1] then
    return 0
end
local at, seen_at = tonumber(ARGV[1]), tonumber(found[1])
if math.min(seen_at + tonumber(found[2]), tonumber(found[3])) <= at then
    return 0
end
if seen_at < at then
    redis.call('HSET', KEYS[2], 'seen_at', ARGV[1])
end
return 1
