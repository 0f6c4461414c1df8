-- Reserves a seat. Returns {'reserved'}, {'away'} if nothing can be decided, or {'full', 'links' or 'sockets',
-- member, link and socket of each holder}.
-- KEYS: floor, seats of the user. ARGV: margin of the floor, member, link, socket, namespace, limit of links or
-- '', '1' if it replaces, limit of sockets or '', '1' if it replaces, duration of the reservation.
read_floor(KEYS[1], ARGV[1])
local time = now()
if not is_member(KEYS[1], ARGV[2]) or unknown_for(KEYS[1]) > 0 then
    return { 'away' }
end
local rows = load(KEYS[1], KEYS[2])
local row = { member = ARGV[2], link = ARGV[3], namespace = ARGV[5], standing = 'reserved' }
local own, others, there, link_since = link_of(row), {}, {}, nil
local links = 0
for socket, other in pairs(rows) do
    local link = link_of(other)
    if link ~= own and not others[link] then
        others[link] = { other.member, other.link, socket }
        links = links + 1
    end
    if other.namespace == row.namespace then
        there[#there + 1] = { other.member, other.link, socket }
    end
    if link == own and other.standing ~= 'lost' and other.link_since then
        link_since = math.min(link_since or other.link_since, other.link_since)
    end
end
local function full(kind, holders)
    local answer = { 'full', kind }
    for _, holder in pairs(holders) do
        for _, part in ipairs(holder) do
            answer[#answer + 1] = part
        end
    end
    return answer
end
if is_refused(ARGV[6], ARGV[7], links) then
    return full('links', others)
end
if is_refused(ARGV[8], ARGV[9], #there) then
    return full('sockets', there)
end
row.link_since = link_since
row.ends = time + tonumber(ARGV[10])
put(KEYS[2], ARGV[4], row)
redis.call('SADD', beside(KEYS[1], 'seated:' .. ARGV[2]), KEYS[2])
return { 'reserved' }
