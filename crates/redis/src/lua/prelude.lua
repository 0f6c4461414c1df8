-- What several scripts use. The last argument of every script is the id of the server's process.

-- A replica refuses this, and so does a primary that has lost its replicas: none of them may answer,
-- not even a question. It changes nothing, and a server that is full allows it.
local function only_on_a_primary(floor)
    redis.call('PERSIST', floor)
end

-- As Lua writes large numbers by itself, they lose their last digits.
local function integer(number)
    return string.format('%.0f', number)
end

local function now()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.ceil(tonumber(time[2]) / 1000)
end

-- Everything that was made until now is refused. Generations are made of the clocks of many servers:
-- the margin is how far the fastest may be ahead of this one.
local function raise(floor, margin)
    local known = redis.call('HMGET', floor, 'generation', 'at')
    local at = math.max(now(), tonumber(known[2] or '0'))
    local generation = math.max(at + tonumber(margin), tonumber(known[1] or '0'))
    redis.call('HSET', floor, 'generation', integer(generation), 'at', integer(at), 'server', ARGV[#ARGV])
    return generation, at
end

-- What counts for everybody, as generation and time. A floor of another process than the one that we have
-- connected to comes from another server: this one was a replica meanwhile, and may lack something.
local function read_floor(floor, margin)
    only_on_a_primary(floor)
    local found = redis.call('HMGET', floor, 'generation', 'at', 'server')
    if found[3] ~= ARGV[#ARGV] then
        return raise(floor, margin)
    end
    return tonumber(found[1]), tonumber(found[2])
end

-- Removes a session by the hash of its id, and says whether it was there.
local function remove(sessions, tokens, users, member)
    local found = redis.call('HMGET', sessions .. member, 'token', 'user_hash')
    if not found[1] then
        return 0
    end
    redis.call('DEL', sessions .. member, tokens .. found[1])
    redis.call('ZREM', users .. found[2], member)
    return 1
end

-- Remembers that something was ended, from the later of two times on, by the later of two clocks.
local function mark(key, at, remembered)
    local known = tonumber(redis.call('GET', key) or '0')
    local past = integer(math.max(known, math.max(tonumber(at), now()) + tonumber(remembered)))
    redis.call('SET', key, past, 'PXAT', past)
end
