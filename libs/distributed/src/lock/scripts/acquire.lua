-- Takes a lock if it is free, or already the caller's (a command sent again after a lost reply).
-- KEYS[1] lock: token of the owner, with the lease as its TTL
-- KEYS[2] fence: last fencing token of this key
-- ARGV[1] token of the caller   ARGV[2] lease in ms   ARGV[3] how long the fence is remembered, ms
-- Returns {1, fencing token} or {0, remaining lease of the present owner in ms}
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return {0, redis.call('PTTL', KEYS[1])}
end

local last = tonumber(redis.call('GET', KEYS[2]) or 0)
if owner then
  -- Never shorten: this may be a late duplicate of a command from before a longer extension.
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  if last > 0 then
    return {1, last}
  end
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end

-- Server time in microseconds keeps tokens growing when the stored one was flushed, evicted or
-- lost in a failover; the stored one keeps them growing when the clock steps back.
local time = redis.call('TIME')
local fence = math.max(last + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[3])
return {1, fence}
