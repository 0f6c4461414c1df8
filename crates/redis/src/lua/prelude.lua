-- Functions that several scripts use. The last argument of every script is the run_id of the server.
-- Some scripts compute keys from values that they read. Redis Cluster does not allow that: it requires all
-- keys to be passed as KEYS.

-- Fails on a replica, and on a primary without its min-replicas-to-write. Their data may be outdated, so
-- they must not answer reads either. PERSIST counts as a write, changes nothing here because the floor
-- never expires, and is allowed on a full server.
local function only_on_a_primary(floor)
    redis.call('PERSIST', floor)
end

-- Formats a number with all its digits. Lua's own conversion keeps 14.
local function integer(number)
    return string.format('%.0f', number)
end

local function now()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.ceil(tonumber(time[2]) / 1000)
end

-- Raises the floor, so that every credential issued until now is rejected. Generations come from the clocks
-- of the nodes; the margin is how far the fastest of them may be ahead of this server.
local function raise(floor, margin)
    local known = redis.call('HMGET', floor, 'generation', 'at')
    local at = math.max(now(), tonumber(known[2] or '0'))
    local generation = math.max(at + tonumber(margin), tonumber(known[1] or '0'))
    redis.call('HSET', floor, 'generation', integer(generation), 'at', integer(at), 'server', ARGV[#ARGV])
    return generation, at
end

-- Returns the floor as generation and time. If the floor names another process than the connected one, it
-- was copied from another server. The connected server was a replica in between and may lack writes.
local function read_floor(floor, margin)
    only_on_a_primary(floor)
    local found = redis.call('HMGET', floor, 'generation', 'at', 'server')
    if found[3] ~= ARGV[#ARGV] then
        return raise(floor, margin)
    end
    return tonumber(found[1]), tonumber(found[2])
end

-- Deletes a session by the hash of its id. Returns 1 if it existed, 0 otherwise.
local function remove(sessions, tokens, users, member)
    local found = redis.call('HMGET', sessions .. member, 'token', 'user_hash')
    if not found[1] then
        return 0
    end
    redis.call('DEL', sessions .. member, tokens .. found[1])
    redis.call('ZREM', users .. found[2], member)
    return 1
end

-- Marks something as ended. The mark is kept from the later of two times (the caller's and this server's),
-- and never shorter than a mark that exists.
local function mark(key, at, remembered)
    local known = tonumber(redis.call('GET', key) or '0')
    local past = integer(math.max(known, math.max(tonumber(at), now()) + tonumber(remembered)))
    redis.call('SET', key, past, 'PXAT', past)
end
