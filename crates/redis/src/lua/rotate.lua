-- Replaces the token of a session. Returns 0 if the session does not exist, and -1 if the token is taken,
-- also if by this session. KEYS: floor, session, new token. ARGV: hash of the id, hash of the new token,
-- prefix of tokens, time at which the user has signed in again or ''.
only_on_a_primary(KEYS[1])
if redis.call('EXISTS', KEYS[3]) > 0 then
    return -1
end
local found = redis.call('HMGET', KEYS[2], 'token', 'forget_at')
if not found[1] then
    return 0
end
redis.call('DEL', ARGV[3] .. found[1])
redis.call('SET', KEYS[3], ARGV[1], 'PXAT', found[2])
redis.call('HSET', KEYS[2], 'token', ARGV[2])
if ARGV[4] ~= '' then
    redis.call('HSET', KEYS[2], 'signed_in_at', ARGV[4])
end
return 1
