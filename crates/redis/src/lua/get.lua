-- The record of an id, or nothing. KEYS: floor, session.
only_on_a_primary(KEYS[1])
return redis.call('HGETALL', KEYS[2])
