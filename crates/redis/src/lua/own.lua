-- Makes a member the owner of a name. Returns the owner and the number of the ownership; or false if the caller is
-- not a member, or if an owner of before a loss of data may not have noticed it.
-- KEYS: floor, owner of the name. ARGV: margin of the floor, member, time in ms.
read_floor(KEYS[1], ARGV[1])
local member, time = ARGV[2], tonumber(ARGV[3])
if not is_member(KEYS[1], member) or unknown_for(KEYS[1]) > SETTLED_AFTER - time then
    return false
end
local found = redis.call('HMGET', KEYS[2], 'member', 'number')
local owner = found[1]
if owner and owner ~= member and is_member(KEYS[1], owner) then
    -- A clock that was set back must not make it long.
    if redis.call('PTTL', KEYS[2]) > time then
        redis.call('PEXPIRE', KEYS[2], ARGV[3])
    end
    return { owner, found[2] }
end
-- The time makes the number grow also after a loss of data.
local last = beside(KEYS[1], 'owner-number')
local number = integer(math.max(now(), tonumber(redis.call('GET', last) or '0') + 1))
redis.call('SET', last, number)
redis.call('HSET', KEYS[2], 'member', member, 'number', number)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return { member, number }
