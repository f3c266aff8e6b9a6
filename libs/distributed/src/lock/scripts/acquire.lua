-- Takes a lock if it is free and nobody waits in front, or if it is already the caller's (a command
-- sent again after a lost reply). Otherwise the caller may stand in the queue.
-- KEYS[1] lock: token of the owner, with the lease as its TTL; readers: see acquire-shared.lua
-- KEYS[2] fence: last fencing token of this key
-- KEYS[3] queue   KEYS[4] places: see queue.lua
-- ARGV[1] token of the caller      ARGV[2] lease in ms
-- ARGV[3] fencing tokens wanted    ARGV[4] how long the fence is remembered, ms
-- ARGV[5] token of a lock that is given back by this command, or ''
-- ARGV[6] how long a place in the queue is kept without a sign of life, ms; 0: do not queue
-- ARGV[7] prefix of the processes' channels
-- ARGV[8…] other tokens of the caller's process whose places are kept too
-- Returns the first fencing token, or {1, first fencing token, freed}, or {0, ms after which to ask
-- again, freed}
local me = ARGV[1]
local fences = tonumber(ARGV[3])

-- Server time in microseconds keeps tokens growing when the stored one was flushed, evicted or
-- lost in a failover; the stored one keeps them growing when the clock steps back.
local function next_fence()
  local time = redis.call('TIME')
  local fence = math.max((redis.call('GET', KEYS[2]) or 0) + 1, time[1] * 1000000 + time[2])
  redis.call('SET', KEYS[2], string.format('%.0f', fence + fences - 1), 'PX', ARGV[4])
  return fence
end

if redis.call('EXISTS', KEYS[1], KEYS[3]) == 0 then
  -- The usual case, before the functions for waiters are made.
  redis.call('SET', KEYS[1], me, 'PX', ARGV[2])
  return next_fence()
end
-- @prelude
local owner = redis.call('GET', KEYS[1])
local freed = 0
if owner and owner == ARGV[5] then
  owner = false
  freed = 1
end

if owner == me then
  -- Never shorten: this may be a late duplicate of a command from before a longer extension.
  -- Written also when it changes nothing: WAIT counts what its own connection has written.
  redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), ARGV[2]))
  local last = tonumber(redis.call('GET', KEYS[2]) or 0)
  if last > 0 then
    return {1, last - fences + 1, freed}
  end
else
  local first, patience
  if redis.call('EXISTS', KEYS[3]) == 1 then
    if freed == 1 then
      readers_first(KEYS[3], KEYS[4])
    end
    first, patience = first_waiter(KEYS[3], KEYS[4], server_ms())
  end
  if owner or (first and first ~= me) then
    local retry = patience
    if owner and (not first or first == me) then
      retry = redis.call('PTTL', KEYS[1])
    end
    local keep = tonumber(ARGV[6])
    if keep > 0 then
      stand(KEYS[3], KEYS[4], me, keep, ARGV, 8)
    end
    if freed == 1 then
      redis.call('DEL', KEYS[1])
    end
    if not owner then
      -- Also when it has been told before: messages can be lost.
      wake_first(KEYS[3], KEYS[4], ARGV[7])
    end
    return {0, retry, freed}
  end
  if first then
    redis.call('ZREM', KEYS[3], me)
    redis.call('HDEL', KEYS[4], me)
  end
  redis.call('SET', KEYS[1], me, 'PX', ARGV[2])
end

return {1, next_fence(), freed}
