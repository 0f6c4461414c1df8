-- Replaces the data of a session; 0 when it is not there. KEYS: sequence, session. ARGV: data.
-- A replica and a full server refuse this, before anything has changed.
redis.call('INCR', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
    return 0
end
redis.call('HSET', KEYS[2], 'data', ARGV[1])
return 1
