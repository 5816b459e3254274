-- SPDX-License-Identifier: Apache-2.0
-- What gateways that are gone had reserved counts as used, until somebody settles it after all.
--
-- KEYS: held, open, presumed
-- ARGV: what stands before a gateway's name in the key that lives while it does
-- Returns how many there were.
-- Lua would write a large number as 1e+15, and none as -0.
local function whole(number)
    return string.format('%.0f', number)
end

local held, open, presumed, prefix = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local rows, gone = redis.call('HGETALL', open), 0

for i = 1, #rows, 2 do
    local was = cjson.decode(rows[i + 1])
    if redis.call('EXISTS', prefix .. was[1]) == 0 then
        redis.call('HDEL', open, rows[i])
        redis.call('HINCRBY', held, 'running', -1)
        for p = 4, 6 do
            redis.call('HINCRBY', was[p], 'held_money', whole(0 - was[2]))
            redis.call('HINCRBY', was[p], 'held_tokens', whole(0 - was[3]))
            redis.call('HINCRBY', was[p], 'money', whole(was[2]))
            redis.call('HINCRBY', was[p], 'tokens', whole(was[3]))
        end
        redis.call('HSET', presumed, rows[i], rows[i + 1])
        gone = gone + 1
    end
end
if gone > 0 then
    redis.call('EXPIRE', presumed, 86400)
end
return gone
