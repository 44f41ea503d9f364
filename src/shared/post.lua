-- Takes over what an instance uses. ARGV: the instance, its epoch, then seven values for each key.

local now = now_ms()
local me, epoch = ARGV[1], ARGV[2]

for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 7
  local function arg(n) return tonumber(ARGV[at + n]) end
  local leased, lasting, base, ends, eases, version = arg(2), arg(3), arg(4), arg(5), arg(6), arg(7)
  put(key, me, epoch, version, leased, lasting, now + ends, now + eases)
  raise(key, base)
  keep(key, ARGV[at + 1])
end
return #KEYS
