-- SPDX-License-Identifier: Apache-2.0
-- Room for one request under a key's limits, or who refuses it. All gateways ask this, one at a time.
--
-- KEYS: rate, held, open, and the day's, week's and month's use
-- ARGV: id, gateway, money, tokens, requests a minute, tokens a minute, parallel, is soft (0, 1),
--       then for each period: money and tokens allowed (-1: any), seconds to keep its use
-- Returns {limit, period, microseconds to wait}; limit 0: reserved; -1: the period's use is not
-- loaded yet. Limits are numbered as in shared.h. Where budgets were asked, what was used of each
-- period by all gateways follows, money and tokens, without what is held.
-- Lua would write a large number as 1e+15, and none as -0.
local function whole(number)
    return string.format('%.0f', number)
end

local rate, held, open = KEYS[1], KEYS[2], KEYS[3]
local id, gateway = ARGV[1], ARGV[2]
local money, tokens = tonumber(ARGV[3]), tonumber(ARGV[4])
local per_minute = {requests = tonumber(ARGV[5]), tokens = tonumber(ARGV[6])}
local parallel, is_soft = tonumber(ARGV[7]), ARGV[8] == '1'
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local MINUTE_US = 60000000

-- Asked twice, reserved once: the first answer may have been lost.
if redis.call('HEXISTS', open, id) == 1 then
    return {0, 0, 0}
end
-- Settled already, since nobody waited for the answer.
if redis.call('EXISTS', string.gsub(open, ':open$', ':presumed') .. ':' .. id) == 1 then
    return {0, 0, 0}
end

local function number(key, field)
    return tonumber(redis.call('HGET', key, field) or 0)
end

if parallel >= 0 and number(held, 'running') >= parallel then
    return {1, 0, 0}
end

-- A full minute's worth passes however large it is; a debt is waited for.
local levels = {}
for _, name in ipairs({'requests', 'tokens'}) do
    local limit = per_minute[name]
    if limit >= 0 then
        local need = name == 'requests' and 1 or tokens
        local filled = number(rate, name .. '_us')
        local level = filled == 0 and limit or number(rate, name)
        level = math.min(limit, level + (now_us - filled) * limit / MINUTE_US)
        if level < need and level < limit then
            local wait_us = limit > 0 and (math.min(need, limit) - level) * MINUTE_US / limit or MINUTE_US
            return {name == 'requests' and 2 or 3, 0, math.ceil(wait_us)}
        end
        levels[name] = level - need
    end
end

local function told(verdict)
    for period = 0, 2 do
        verdict[#verdict + 1] = number(KEYS[4 + period], 'money')
        verdict[#verdict + 1] = number(KEYS[4 + period], 'tokens')
    end
    return verdict
end

local over = {0, 0, 0}
for period = 0, 2 do
    local use = KEYS[4 + period]
    local money_max, tokens_max = tonumber(ARGV[9 + 3 * period]), tonumber(ARGV[10 + 3 * period])
    if money_max >= 0 or tokens_max >= 0 then
        if redis.call('HEXISTS', use, 'loaded') == 0 then
            return {-1, period, 0}
        end
        if money_max >= 0 and number(use, 'money') + number(use, 'held_money') + money > money_max then
            over = {4, period, 0}
        elseif tokens_max >= 0 and number(use, 'tokens') + number(use, 'held_tokens') + tokens > tokens_max then
            over = {5, period, 0}
        end
        if over[1] > 0 and not is_soft then
            return told(over)
        end
    end
end

for name, level in pairs(levels) do
    redis.call('HSET', rate, name, string.format('%.6f', level), name .. '_us', string.format('%.0f', now_us))
end
redis.call('EXPIRE', rate, 7200)
redis.call('HINCRBY', held, 'running', 1)
for period = 0, 2 do
    redis.call('HINCRBY', KEYS[4 + period], 'held_money', whole(money))
    redis.call('HINCRBY', KEYS[4 + period], 'held_tokens', whole(tokens))
    redis.call('EXPIRE', KEYS[4 + period], ARGV[11 + 3 * period])
end
redis.call('SADD', 'tampu:keys', string.match(open, '{(.*)}'))
redis.call('HSET', open, id, cjson.encode({gateway, money, tokens, KEYS[4], KEYS[5], KEYS[6]}))
return told(over)
