-- Makes a node a member. Returns the number of the last order, the era, and the members.
-- KEYS: floor. ARGV: margin of the floor, member, two earlier members of the same process or '', lease.
read_floor(KEYS[1], ARGV[1])
local lease = tonumber(ARGV[5])
forget_lapsed(KEYS[1], lease)
remove_member(KEYS[1], ARGV[3])
remove_member(KEYS[1], ARGV[4])
local last = redis.call('GET', beside(KEYS[1], 'ordered')) or '0'
redis.call('ZADD', beside(KEYS[1], 'nodes'), integer(now() + lease), ARGV[2])
redis.call('HSET', beside(KEYS[1], 'read'), ARGV[2], last)
return { last, era(KEYS[1]), members(KEYS[1]), '0' }
