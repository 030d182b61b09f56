-- Draws on buckets, all or none. KEYS are the buckets; ARGV has, for each, how long it takes to fill from empty and how
-- long what is drawn takes to flow in, both in microseconds. A key holds when its bucket will be full again.
-- The answer is {0, 0}, or which bucket is short (from 1) and for how long.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local full = {}
local short, wait = 0, 0
for i = 1, #KEYS do
  local at = tonumber(redis.call('GET', KEYS[i]) or now)
  if at < now then at = now end
  full[i] = at + tonumber(ARGV[2 * i])
  local over = full[i] - now - tonumber(ARGV[2 * i - 1])
  if over > wait then short, wait = i, over end
end
if short == 0 then
  for i = 1, #KEYS do
    redis.call('SET', KEYS[i], string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000) + 1)
  end
end
return {short, math.ceil(wait)}
