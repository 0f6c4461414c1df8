-- Functions of the scripts about members. The prelude comes before them.

-- Removes one member that serves no clients any more.
local function remove_member(floor, member)
    if redis.call('ZREM', beside(floor, 'nodes'), member) == 1 then
        redis.call('HDEL', beside(floor, 'read'), member)
        redis.call('RPUSH', beside(floor, 'abandoned'), member)
    end
end

-- Removes members whose lease has ended long enough ago. A lease that ends later than possible is shortened,
-- because the clock of this server was set back.
local function forget_lapsed(floor, lease)
    local nodes, time = beside(floor, 'nodes'), now()
    local gone = redis.call('ZRANGEBYSCORE', nodes, '-inf', integer(time - LEASE_MARGIN))
    for _, member in ipairs(gone) do
        remove_member(floor, member)
    end
    local latest = integer(time + lease)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', nodes, '(' .. latest, '+inf')) do
        redis.call('ZADD', nodes, latest, member)
    end
end
