-- Functions of the scripts about seats. The prelude comes before them.
-- The seats of a user are a hash. A field is the id of a socket, and its value is a row with these members:
-- member, link, namespace, standing ('reserved', 'displaced', 'taken' or 'lost'), since (number at which the seat was
-- taken), link_since (number at which the first seat on the link was taken), ends (end of a reservation, in ms), told
-- (time at which the node of a lost socket was told to end it, in ms).
-- The rules are those of `presence/seats/replacing.rs` in doorward.

local function link_of(row)
    return row.member .. ' ' .. row.link
end

local function put(seats, socket, row)
    redis.call('HSET', seats, socket, cjson.encode(row))
end

-- Returns the rows of a user by socket, and the sockets whose reservation was displaced by another commit. Drops
-- rows of members that are gone, and reservations that were given up.
local function load(floor, seats)
    local found, rows, displaced = redis.call('HGETALL', seats), {}, {}
    local time, alive = now(), {}
    for index = 1, #found, 2 do
        local row = cjson.decode(found[index + 1])
        if alive[row.member] == nil then
            alive[row.member] = is_member(floor, row.member) or false
        end
        local is_over = row.ends and row.ends <= time
        if alive[row.member] and not is_over and row.standing == 'displaced' then
            displaced[found[index]] = true
        elseif alive[row.member] and not is_over then
            rows[found[index]] = row
        else
            redis.call('HDEL', seats, found[index])
        end
    end
    return rows, displaced
end

-- Drops the rows of members that are gone, of some users at a time.
local function tidy_seats(floor)
    local abandoned = beside(floor, 'abandoned')
    local member = redis.call('LINDEX', abandoned, 0)
    if not member then
        return
    end
    local seated = beside(floor, 'seated:' .. member)
    local users = redis.call('SPOP', seated, 256)
    for _, seats in ipairs(users) do
        load(floor, seats)
    end
    if #users < 256 then
        redis.call('LPOP', abandoned)
    end
end

local function sits(row)
    return row.standing == 'taken'
end

-- Returns true if the policy refuses a new connection beside `others`.
local function is_refused(limit, replaces, others)
    return limit ~= '' and replaces ~= '1' and others >= tonumber(limit)
end
