-- Returns the record of the session that a token opens, or nothing.
-- KEYS: floor, token. ARGV: prefix of sessions.
only_on_a_primary(KEYS[1])
local member = redis.call('GET', KEYS[2])
if not member then
    return {}
end
return redis.call('HGETALL', ARGV[1] .. member)
