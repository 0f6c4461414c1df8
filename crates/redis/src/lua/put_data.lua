-- Replaces the data of a session. Returns 0 if it does not exist. KEYS: sequence, session. ARGV: data.
-- INCR comes first: a replica and a full server reject it before anything has changed.
redis.call('INCR', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
    return 0
end
redis.call('HSET', KEYS[2], 'data', ARGV[1])
return 1
