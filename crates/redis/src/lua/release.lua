-- Frees the seat of a socket that has closed. KEYS: floor, seats of the user. ARGV: socket, member.
only_on_a_primary(KEYS[1])
redis.call('HDEL', KEYS[2], ARGV[1])
local has_more = false
local rows = load(KEYS[1], KEYS[2])
for _, row in pairs(rows) do
    has_more = has_more or row.member == ARGV[2]
end
if not has_more then
    redis.call('SREM', beside(KEYS[1], 'seated:' .. ARGV[2]), KEYS[2])
end
return 1
