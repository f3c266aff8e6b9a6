-- Takes several locks if all of them are free and nobody waits in front of any, or if they are already
-- the caller's (a command sent again after a lost reply); otherwise none. For servers without slots.
-- KEYS[4i-3] lock   KEYS[4i-2] fence   KEYS[4i-1] queue   KEYS[4i] places, of the i-th lock: see acquire.lua
-- ARGV[1] lease in ms      ARGV[2] fencing tokens wanted of each
-- ARGV[3] how long the fences are remembered, ms
-- ARGV[3 + i] token of the caller for the i-th lock
-- Returns the first fencing token of each, or nil
local fences = tonumber(ARGV[2])
local time = redis.call('TIME')
local locks = #KEYS / 4
local owners = {}
for i = 1, locks do
  local at = 4 * i - 3
  owners[i] = redis.call('GET', KEYS[at])
  if owners[i] and owners[i] ~= ARGV[3 + i] then
    return nil
  end
  if not owners[i] and redis.call('EXISTS', KEYS[at + 2]) == 1 and first_waiter(KEYS[at + 2], KEYS[at + 3], server_ms()) then
    return nil
  end
end

local first = {}
for i = 1, locks do
  local at = 4 * i - 3
  local last = tonumber(redis.call('GET', KEYS[at + 1]) or 0)
  if owners[i] and last > 0 then
    -- Never shorten: this may be a late duplicate of a command from before a longer extension.
    if redis.call('PTTL', KEYS[at]) < tonumber(ARGV[1]) then
      redis.call('PEXPIRE', KEYS[at], ARGV[1])
    end
    first[i] = last - fences + 1
  else
    redis.call('SET', KEYS[at], ARGV[3 + i], 'PX', ARGV[1])
    -- Where tokens come from: see acquire.lua.
    first[i] = math.max(last + 1, time[1] * 1000000 + time[2])
    redis.call('SET', KEYS[at + 1], string.format('%.0f', first[i] + fences - 1), 'PX', ARGV[3])
  end
end
return first
