-- Returns the members. KEYS: floor.
only_on_a_primary(KEYS[1])
return members(KEYS[1])
