-- One hash for each limit. Field: an instance; value: what it uses, as "leased lasting ends eases epoch version", times in
-- epoch milliseconds of this server. The field "base" is what the database says is spent.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

local function parse(text)
  local leased, lasting, ends, eases, epoch, version =
    string.match(text, '^(%-?%d+) (%-?%d+) (%d+) (%d+) (%S+) (%d+)$')
  return tonumber(leased) or 0, tonumber(lasting) or 0, tonumber(ends) or 0, tonumber(eases) or 0, epoch, tonumber(version) or 0
end

-- Of two figures of one process the one with the higher version is the newer; another process's is always older.
local function put(key, me, epoch, version, leased, lasting, ends, eases)
  local old = redis.call('HGET', key, me)
  if old then
    local _, _, _, _, whose, known = parse(old)
    if whose == epoch and known >= version then return end
  end
  if leased == 0 and lasting == 0 then
    redis.call('HDEL', key, me)
  else
    local fields = { whole(leased), whole(lasting), whole(ends), whole(eases), epoch, whole(version) }
    redis.call('HSET', key, me, table.concat(fields, ' '))
  end
end

-- What the database says never becomes less.
local function raise(key, base)
  local known = tonumber(redis.call('HGET', key, 'base') or '0')
  if base > known then redis.call('HSET', key, 'base', whole(base)) end
end

-- Money spent by an instance that died before it reached the database counts for a week at most.
local function keep(key, kind)
  redis.call('PEXPIRE', key, kind == 'b' and 604800000 or 120000)
end
