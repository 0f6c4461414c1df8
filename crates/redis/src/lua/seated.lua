-- Returns the number of the given sockets that still have a row, or -1 if the socket that waits for them has no seat any
-- more: then the server has lost writes, and the others may still be served. KEYS: floor, seats of the user. ARGV: the
-- socket that waits, other sockets.
only_on_a_primary(KEYS[1])
local rows = load(KEYS[1], KEYS[2])
local own = rows[ARGV[1]]
if not own or own.standing == 'reserved' then
    return -1
end
local count = 0
for index = 2, #ARGV - 1 do
    count = count + (rows[ARGV[index]] and 1 or 0)
end
return count
