-- Returns the record of a session, or nothing. KEYS: floor, session.
only_on_a_primary(KEYS[1])
return redis.call('HGETALL', KEYS[2])
