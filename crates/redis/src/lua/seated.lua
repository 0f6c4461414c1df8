-- Returns the number of the given sockets that still have a row. KEYS: floor, seats of the user. ARGV: sockets.
only_on_a_primary(KEYS[1])
local rows = load(KEYS[1], KEYS[2])
local count = 0
for index = 1, #ARGV - 1 do
    count = count + (rows[ARGV[index]] and 1 or 0)
end
return count
