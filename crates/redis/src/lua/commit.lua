-- Takes the seat that a socket has reserved, and replaces older connections where a limit is exceeded. Returns
-- {'taken', member and socket of each replaced socket that has not closed}; {'lost'} if another commit has taken the
-- place of the reservation; or {'gone'} if the reservation has expired or was lost with the data of the server.
-- KEYS: floor, seats of the user. ARGV: socket, limit of links or '', limit of sockets or ''.
-- INCR comes first: a replica and a full server reject it before anything has changed.
local TOLD_AGAIN_AFTER = 1000
local moment = redis.call('INCR', beside(KEYS[1], 'seat-number'))
local rows, displaced = load(KEYS[1], KEYS[2])
local own = rows[ARGV[1]]
if not own or own.standing ~= 'reserved' then
    return { displaced[ARGV[1]] and 'lost' or 'gone' }
end
local link, changed = link_of(own), { [ARGV[1]] = true }
local is_new = true
for _, row in pairs(rows) do
    is_new = is_new and not (link_of(row) == link and sits(row))
end
if is_new then
    -- A link without a seated socket counts as new, even if it had a seat before.
    for socket, row in pairs(rows) do
        if link_of(row) == link then
            row.link_since = moment
            changed[socket] = true
        end
    end
end
own.standing, own.since, own.ends = 'taken', moment, nil

-- Returns the socket of the oldest row of the namespace, if the namespace has more than the limit.
local function one_socket_too_many()
    local count, oldest = 0, nil
    for socket, row in pairs(rows) do
        if row.namespace == own.namespace and sits(row) then
            count = count + 1
            if not oldest or row.since < rows[oldest].since then
                oldest = socket
            end
        end
    end
    return ARGV[3] ~= '' and count > tonumber(ARGV[3]) and oldest or nil
end

-- Returns the oldest link, if there are more links than the limit.
local function one_link_too_many()
    local seen, count, oldest, since = {}, 0, nil, nil
    for _, row in pairs(rows) do
        if sits(row) then
            local name = link_of(row)
            if not seen[name] then
                seen[name] = true
                count = count + 1
            end
            if not since or row.link_since < since then
                oldest, since = name, row.link_since
            end
        end
    end
    return ARGV[2] ~= '' and count > tonumber(ARGV[2]) and oldest or nil
end

local function is_alone(socket)
    local count = 0
    for _, row in pairs(rows) do
        if link_of(row) == link_of(rows[socket]) and sits(row) then
            count = count + 1
        end
    end
    return count == 1
end

local function lose(socket)
    if rows[socket].standing ~= 'lost' then
        rows[socket].standing = 'lost'
        changed[socket] = true
    end
end

-- Takes as few seats as needed, as `make_room` in `replacing.rs` does.
while true do
    local socket, loser = one_socket_too_many(), one_link_too_many()
    if not socket and not loser then
        break
    end
    if not loser then
        lose(socket)
    else
        if socket and is_alone(socket) then
            loser = link_of(rows[socket])
        end
        for other, row in pairs(rows) do
            if link_of(row) == loser then
                if row.standing == 'reserved' then
                    -- It counts no more, and its commit fails.
                    row.standing = 'displaced'
                    put(KEYS[2], other, row)
                    rows[other] = nil
                    changed[other] = nil
                else
                    lose(other)
                end
            end
        end
    end
end
local answer, time = { 'taken' }, now()
for socket, row in pairs(rows) do
    -- If links are not limited, only sockets of the same namespace are in the way.
    if row.standing == 'lost' and (ARGV[2] ~= '' or row.namespace == own.namespace) then
        answer[#answer + 1] = row.member
        answer[#answer + 1] = socket
        -- The node of the socket is told through the log, also if it is this node: the caller may never read
        -- this answer. It is told again after a while.
        if (row.told or 0) + TOLD_AGAIN_AFTER <= time then
            order(KEYS[1], 'replaced', socket, '0', '0')
            row.told = time
            changed[socket] = true
        end
    end
end
for socket in pairs(changed) do
    put(KEYS[2], socket, rows[socket])
end
return answer
