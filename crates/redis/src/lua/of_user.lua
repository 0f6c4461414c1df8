-- Returns the records of a user's sessions, in no order. KEYS: floor, user. ARGV: prefix of sessions.
only_on_a_primary(KEYS[1])
local records = {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local record = redis.call('HGETALL', ARGV[1] .. member)
    if #record > 0 then
        records[#records + 1] = record
    end
end
return records
