-- SPDX-License-Identifier: Apache-2.0
-- The end of a request: what was reserved is given back, what was used is taken, once.
--
-- KEYS: rate, held, open, presumed, and the day's, week's and month's use
-- ARGV: id, money, tokens, tokens a minute, whether it ran without an answer (0, 1)
-- Returns 1; 0: nobody knows of it, or it was settled already.
-- Lua would write a large number as 1e+15, and none as -0.
local function whole(number)
    return string.format('%.0f', number)
end

local rate, held, open, presumed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, money, tokens, per_minute = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local text = redis.call('HGET', open, id)
if text then
    local was = cjson.decode(text)
    redis.call('HDEL', open, id)
    redis.call('HINCRBY', held, 'running', -1)
    for i = 4, 6 do
        redis.call('HINCRBY', was[i], 'held_money', whole(0 - was[2]))
        redis.call('HINCRBY', was[i], 'held_tokens', whole(0 - was[3]))
        redis.call('HINCRBY', was[i], 'money', whole(money))
        redis.call('HINCRBY', was[i], 'tokens', whole(tokens))
    end
    if per_minute >= 0 and redis.call('HEXISTS', rate, 'tokens') == 1 then
        redis.call('HINCRBYFLOAT', rate, 'tokens', was[3] - tokens)
    end
    -- Should this answer be lost, too: what is said again must not count again.
    if ARGV[5] == '1' then
        redis.call('SET', presumed .. ':' .. id, 1, 'EX', 86400)
    end
    return 1
end

-- Its gateway was taken for dead, and all that it had reserved for used: now it is known.
text = redis.call('HGET', presumed, id)
if text then
    local was = cjson.decode(text)
    redis.call('HDEL', presumed, id)
    for i = 4, 6 do
        redis.call('HINCRBY', was[i], 'money', whole(money - was[2]))
        redis.call('HINCRBY', was[i], 'tokens', whole(tokens - was[3]))
    end
    return 1
end

-- It was let through while nobody answered: its use counts, once.
if ARGV[5] == '1' and redis.call('SET', presumed .. ':' .. id, 1, 'NX', 'EX', 86400) then
    for i = 5, 7 do
        redis.call('HINCRBY', KEYS[i], 'money', whole(money))
        redis.call('HINCRBY', KEYS[i], 'tokens', whole(tokens))
    end
    return 1
end
return 0
