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

-- Returns a key of the store by its kind. The key of the floor ends with 'floor'.
local function beside(floor, kind)
    return string.sub(floor, 1, -6) .. kind
end

-- Time after the end of a lease from which its member counts as gone, and the time after which an order
-- is settled on every node. See `cluster.rs` of doorward-core.
local LEASE_MARGIN = 5000
local SETTLED_AFTER = 30000

-- Begins a new era, because the server may have lost writes. All nodes have to join again. No seat is
-- given away until the last node that has not noticed has stopped serving clients. `is_first` is true
-- if no node can have been a member before.
local function begin_era(floor, at, is_first)
    local seats_from = is_first and at or at + SETTLED_AFTER
    redis.call('HSET', floor, 'era', ARGV[#ARGV] .. ':' .. integer(at), 'seats_from', integer(seats_from))
    local nodes = beside(floor, 'nodes')
    for _, member in ipairs(redis.call('ZRANGE', nodes, 0, -1)) do
        redis.call('RPUSH', beside(floor, 'abandoned'), member)
    end
    redis.call('DEL', nodes, beside(floor, 'read'))
end

local function era(floor)
    return redis.call('HGET', floor, 'era') or ''
end

-- Delays seats, because this node has known an earlier era. Another node may have begun the current one without
-- a wait, because it knew of no other nodes.
local function others_may_serve(floor)
    local at = tonumber(string.match(era(floor), ':(%d+)$') or '0')
    local from = tonumber(redis.call('HGET', floor, 'seats_from') or '0')
    redis.call('HSET', floor, 'seats_from', integer(math.max(from, at + SETTLED_AFTER)))
end

-- Raises the floor, so that every credential issued until now is rejected. Generations come from the clocks
-- of the nodes; the margin is how far the fastest of them may be ahead of this server.
local function raise(floor, margin, is_first)
    local known = redis.call('HMGET', floor, 'generation', 'at')
    local time = now()
    local at = math.max(time, tonumber(known[2] or '0'))
    local generation = math.max(at + tonumber(margin), tonumber(known[1] or '0'))
    redis.call('HSET', floor, 'generation', integer(generation), 'at', integer(at), 'server', ARGV[#ARGV])
    begin_era(floor, time, is_first)
    return generation, at
end

-- Returns the floor as generation and time. If the floor names another process than the connected one, it
-- was copied from another server. The connected server was a replica in between and may lack writes.
local function read_floor(floor, margin)
    only_on_a_primary(floor)
    local found = redis.call('HMGET', floor, 'generation', 'at', 'server')
    if found[3] ~= ARGV[#ARGV] then
        return raise(floor, margin, false)
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

-- Returns the members whose lease and its margin have not ended.
local function members(floor)
    return redis.call('ZRANGEBYSCORE', beside(floor, 'nodes'), '(' .. integer(now() - LEASE_MARGIN), '+inf')
end

-- Returns true if a member has a lease that has ended at most `LEASE_MARGIN` ago.
local function is_member(floor, member)
    local ends = redis.call('ZSCORE', beside(floor, 'nodes'), member)
    return ends and tonumber(ends) + LEASE_MARGIN > now()
end

-- Returns the time for which members of before a loss may still serve clients, in ms.
local function unknown_for(floor)
    local left = tonumber(redis.call('HGET', floor, 'seats_from') or '0') - now()
    -- A clock that was set back must not make it long.
    return left > 0 and left <= SETTLED_AFTER and left or 0
end

-- Appends an order to the log. Returns its number, the era of the log, the members that have to carry it
-- out, and the time for which there may be others. INCR comes first: a replica and a full server reject it before anything has changed.
local function order(floor, kind, name, generation, revoked_at)
    local number = integer(redis.call('INCR', beside(floor, 'ordered')))
    redis.call(
        'XADD', beside(floor, 'orders'), 'MAXLEN', '~', '65536', number .. '-0', 'at', integer(now()),
        'kind', kind, 'name', name, 'generation', generation, 'revoked_at', revoked_at)
    return { number, era(floor), members(floor), integer(unknown_for(floor)) }
end
