-- SPDX-License-Identifier: Apache-2.0
-- What this gateway says of the machines, kept for a while; and what the others say.
--
-- KEYS: the hash of all gateways' words
-- ARGV: gateway, what it says (nothing: it takes back what it said), milliseconds to keep it,
--       how many of the others to return
-- Returns name, words, name, words …
local said, gateway, words = KEYS[1], ARGV[1], ARGV[2]
local keep_ms, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}

if words == '' then
    redis.call('HDEL', said, gateway)
else
    redis.call('HSET', said, gateway, string.format('%.0f', now_ms + keep_ms) .. ' ' .. words)
    redis.call('PEXPIRE', said, keep_ms)
end
local rows = redis.call('HGETALL', said)
for i = 1, #rows, 2 do
    local until_ms, text = string.match(rows[i + 1], '^(%d+) (.*)$')
    if not until_ms or tonumber(until_ms) < now_ms then
        redis.call('HDEL', said, rows[i])
    elseif rows[i] ~= gateway and #found < 2 * most then
        found[#found + 1] = rows[i]
        found[#found + 1] = text
    end
end
return found
