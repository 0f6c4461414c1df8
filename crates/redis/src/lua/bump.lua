-- Revokes a user: ends all sessions and orders the nodes to end the user's sockets. Returns the new
-- generation, as the method RevocationState::next_generation computes it, and the receipt of the order.
-- KEYS: floor, revocation state, user. ARGV: margin, time (rounded down), time (rounded up), duration to
-- keep the state, prefix of sessions, prefix of tokens, id of the user.
local generation, at = read_floor(KEYS[1], ARGV[1])
local found = redis.call('HMGET', KEYS[2], 'generation', 'revoked_at')
if found[1] or found[2] then
    generation = math.max(generation, tonumber(found[1]))
    at = math.max(at, tonumber(found[2]))
end
generation = math.max(generation + 1, tonumber(ARGV[2]))
at = math.max(at, tonumber(ARGV[3]))
redis.call('HSET', KEYS[2], 'generation', integer(generation), 'revoked_at', integer(at))
redis.call('PEXPIREAT', KEYS[2], integer(math.max(at, now()) + tonumber(ARGV[4])))
-- In the same script, so that no session survives the revocation of its user.
for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    local token = redis.call('HGET', ARGV[5] .. member, 'token')
    redis.call('DEL', ARGV[5] .. member)
    if token then
        redis.call('DEL', ARGV[6] .. token)
    end
end
redis.call('DEL', KEYS[3])
return { integer(generation), order(KEYS[1], 'user', ARGV[7], integer(generation), integer(at)) }
