-- Returns version, names and text of the signing keys, or nothing. KEYS: floor, signing keys.
only_on_a_primary(KEYS[1])
return redis.call('HMGET', KEYS[2], 'version', 'names', 'keys')
