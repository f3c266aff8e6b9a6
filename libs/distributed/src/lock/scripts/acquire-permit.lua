-- Takes one of a limited number of permits if one is free and nobody waits in front, or if the
-- caller has one already (a command sent again after a lost reply). Otherwise it may queue.
-- KEYS[1] permits: ZSET token -> server time (ms) at which its lease ends
-- KEYS[2] queue   KEYS[3] places: see queue.lua
-- ARGV[1] token of the caller      ARGV[2] lease in ms      ARGV[3] how many permits there are
-- ARGV[4] how long a place in the queue is kept without a sign of life, ms; 0: do not queue
-- ARGV[5] prefix of the processes' channels
-- ARGV[6…] other tokens of the caller's process whose places are kept too
-- Returns {1, 0} or {0, ms after which to ask again}
local me = ARGV[1]
local limit = tonumber(ARGV[3])
local now = server_ms()
local queued = false
if not holds(KEYS[1], me, now) then
  local used = redis.call('ZCARD', KEYS[1])
  local first, patience
  if redis.call('EXISTS', KEYS[2]) == 1 then
    first, patience = first_waiter(KEYS[2], KEYS[3], now)
  end
  if used >= limit or (first and first ~= me) then
    local retry = patience
    if not first or first == me then
      -- When so many leases are over that one permit is free.
      retry = redis.call('ZRANGE', KEYS[1], used - limit, used - limit, 'WITHSCORES')[2] - now
    end
    if tonumber(ARGV[4]) > 0 then
      stand(KEYS[2], KEYS[3], me, tonumber(ARGV[4]), ARGV, 6)
    end
    if used < limit then
      -- Also when it has been told before: messages can be lost.
      wake_first(KEYS[2], KEYS[3], ARGV[5])
    end
    return {0, retry}
  end
  queued = first ~= nil and used + 1 < limit
  if first then
    redis.call('ZREM', KEYS[2], me)
    redis.call('HDEL', KEYS[3], me)
  end
end

lease_until(KEYS[1], me, now + ARGV[2])
live_with(KEYS[1], KEYS[1])
if queued then
  -- There is another permit: of two messages sent at once, both may have named the same waiter.
  wake_first(KEYS[2], KEYS[3], ARGV[5])
end
return {1, 0}
