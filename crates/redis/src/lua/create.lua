-- Stores a new session. Returns 0 if its token or its id is taken.
-- KEYS: sequence, token, session, user. ARGV: hash of the id, time to forget it, fields of the record.
-- INCR comes first: a replica and a full server reject it before anything has changed.
local sequence = redis.call('INCR', KEYS[1])
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then
    return 0
end
local member, forget_at = ARGV[1], ARGV[2]
-- The fields end before the last argument, which is the run_id.
redis.call('HSET', KEYS[3], 'sequence', integer(sequence), 'forget_at', forget_at, unpack(ARGV, 3, #ARGV - 1))
redis.call('PEXPIREAT', KEYS[3], forget_at)
redis.call('SET', KEYS[2], member, 'PXAT', forget_at)
-- Removes expired sessions from the user's list, and lets the list expire with its last session.
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', integer(now()))
redis.call('ZADD', KEYS[4], forget_at, member)
local last = redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[4], integer(tonumber(last[2])))
return 1
