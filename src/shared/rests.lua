-- Who rests until when. KEYS: the hash of rests, and what tells whether this is the same hash as last time. ARGV: a name for a
-- new hash, the caller's time, then for each change: subject, until (0: well again), text, and the text that is replaced.
-- Answers the name and all fields.

redis.call('SET', KEYS[2], ARGV[1], 'NX')
local now = tonumber(ARGV[2])
for at = 3, #ARGV, 4 do
  local subject, until_ms, text, known = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local old = redis.call('HGET', KEYS[1], subject)
  if until_ms == 0 then
    if old == known then redis.call('HDEL', KEYS[1], subject) end
  elseif not old or until_ms > (tonumber(string.match(old, '^(%d+) ')) or 0) then
    redis.call('HSET', KEYS[1], subject, text)
  end
end
local all = redis.call('HGETALL', KEYS[1])
local answer = { redis.call('GET', KEYS[2]) }
for at = 1, #all, 2 do
  if (tonumber(string.match(all[at + 1], '^(%d+) ')) or 0) <= now then
    redis.call('HDEL', KEYS[1], all[at])
  else
    answer[#answer + 1] = all[at]
    answer[#answer + 1] = all[at + 1]
  end
end
return answer
