-- Returns the generation and the time of the last revocation of a user, and how many of the marks exist.
-- KEYS: floor, revocation state, marks of a session and a token. ARGV: margin.
local generation, at = read_floor(KEYS[1], ARGV[1])
local found = redis.call('HMGET', KEYS[2], 'generation', 'revoked_at')
if found[1] or found[2] then
    generation = math.max(generation, tonumber(found[1]))
    at = math.max(at, tonumber(found[2]))
end
local ended = 0
for index = 3, #KEYS do
    ended = ended + redis.call('EXISTS', KEYS[index])
end
return { integer(generation), integer(at), ended }
