-- Records activity of a session. Returns 0 if the session does not exist or has ended at that time, by the
-- rule of Session::is_over. KEYS: floor, session. ARGV: time.
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
