-- Returns what each member has done about an order: 'waiting', 'lapsed', or its result.
-- KEYS: floor. ARGV: number of the order, era, members.
only_on_a_primary(KEYS[1])
local is_same_era = era(KEYS[1]) == ARGV[2]
local answers = {}
for index = 3, #ARGV - 1 do
    local member, answer = ARGV[index], 'waiting'
    if is_same_era then
        local read = redis.call('HGET', beside(KEYS[1], 'read'), member)
        if not is_member(KEYS[1], member) then
            answer = 'lapsed'
        elseif tonumber(read or '0') >= tonumber(ARGV[1]) then
            answer = redis.call('HGET', beside(KEYS[1], 'outcome:' .. ARGV[1]), member) or '0 0 0 0'
        end
    end
    answers[#answers + 1] = answer
end
return answers
