-- Replaces the signing keys if their version is the expected one. Returns 1 if they were replaced, and 0 otherwise.
-- KEYS: floor, signing keys. ARGV: expected version or '0' for none, names of the keys, keys or ''.
only_on_a_primary(KEYS[1])
local version = redis.call('HGET', KEYS[2], 'version') or '0'
if version ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[2], 'version', integer(tonumber(version) + 1), 'names', ARGV[2], 'keys', ARGV[3])
return 1
