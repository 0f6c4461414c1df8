-- Reports how far a member has read the log, with the results of orders. Returns 0 if it is not a member.
-- KEYS: floor. ARGV: member, number of the last order that it has read, era, then number and result of each order.
only_on_a_primary(KEYS[1])
if era(KEYS[1]) ~= ARGV[3] or not is_member(KEYS[1], ARGV[1]) then
    return 0
end
local read = beside(KEYS[1], 'read')
local known = tonumber(redis.call('HGET', read, ARGV[1]) or '0')
redis.call('HSET', read, ARGV[1], integer(math.max(known, tonumber(ARGV[2]))))
for index = 4, #ARGV - 2, 2 do
    local key = beside(KEYS[1], 'outcome:' .. ARGV[index])
    redis.call('HSET', key, ARGV[1], ARGV[index + 1])
    redis.call('PEXPIRE', key, SETTLED_AFTER * 2)
end
return 1
