-- Extends the lease of a member. Returns the time until it ends, and the members; or false if the node is not
-- a member any more, or the log has lost orders that it has not read. The lease ends at most one
-- lease after the oldest unread order was written.
-- KEYS: floor. ARGV: margin of the floor, member, number of the last order that it has read, era, lease.
read_floor(KEYS[1], ARGV[1])
local nodes, time, lease = beside(KEYS[1], 'nodes'), now(), tonumber(ARGV[5])
forget_lapsed(KEYS[1], lease)
if era(KEYS[1]) ~= ARGV[4] then
    others_may_serve(KEYS[1])
end
local known = redis.call('ZSCORE', nodes, ARGV[2])
if era(KEYS[1]) ~= ARGV[4] or not known or tonumber(known) <= time then
    return false
end
local read, last = tonumber(ARGV[3]), tonumber(redis.call('GET', beside(KEYS[1], 'ordered')) or '0')
local ends = time + lease
if read ~= last then
    local unread = redis.call('XRANGE', beside(KEYS[1], 'orders'), '(' .. ARGV[3] .. '-0', '+', 'COUNT', '1')
    if not unread[1] or unread[1][1] ~= integer(read + 1) .. '-0' then
        return false
    end
    -- The fields begin with 'at'.
    ends = math.min(ends, tonumber(unread[1][2][2]) + lease)
    if ends <= time then
        return false
    end
end
redis.call('ZADD', nodes, integer(ends), ARGV[2])
redis.call('HSET', beside(KEYS[1], 'read'), ARGV[2], ARGV[3])
tidy_seats(KEYS[1])
return { integer(ends - time), members(KEYS[1]) }
