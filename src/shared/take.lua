-- Counts a call into all limits or none. ARGV: the instance, its epoch, then eleven values for each key. Answers whether it
-- was granted, then for each key: what others use, what is spent, what is granted (-1: no room), milliseconds until the
-- others use less, milliseconds until they use nothing.

local now = now_ms()
local me, epoch = ARGV[1], ARGV[2]
local answer, grants, granted = { 1 }, {}, true

local function arg(i, n)
  return tonumber(ARGV[2 + (i - 1) * 11 + n])
end

for i, key in ipairs(KEYS) do
  local amount, enforced, need, least = arg(i, 2), arg(i, 3) == 1, arg(i, 4), arg(i, 5)
  local own, base = arg(i, 6) + arg(i, 7), arg(i, 8)
  local others, eases, ends = 0, 0, 0
  local all = redis.call('HGETALL', key)
  for f = 1, #all, 2 do
    local who, text = all[f], all[f + 1]
    if who == 'base' then
      base = math.max(base, tonumber(text))
    elseif who ~= me then
      local leased, lasting, until_ms, first = parse(text)
      if until_ms <= now then
        leased = 0
        if lasting == 0 then redis.call('HDEL', key, who) end
      end
      others = others + leased + lasting
      if leased > 0 then
        ends = math.max(ends, until_ms - now)
        if first > now and (eases == 0 or first - now < eases) then eases = first - now end
      end
    end
  end
  local room, grant = amount - base - own - others, -1
  if need == 0 or need <= room then
    grant = need
  elseif least <= room then
    grant = room
  elseif enforced then
    granted = false
  end
  grants[i] = grant < 0 and need or grant
  for _, value in ipairs({ others, base, grant, eases, ends }) do answer[#answer + 1] = value end
end

if granted then
  for i, key in ipairs(KEYS) do
    local ends, eases = arg(i, 9), arg(i, 10)
    put(key, me, epoch, arg(i, 11), arg(i, 6) + grants[i], arg(i, 7), now + ends, now + eases)
    raise(key, arg(i, 8))
    keep(key, ARGV[2 + (i - 1) * 11 + 1])
  end
else
  answer[1] = 0
end
return answer
