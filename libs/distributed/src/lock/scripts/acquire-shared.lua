-- Takes a lock together with other readers if no writer holds it and none waits in front, or if it is
-- the caller's already (a command sent again after a lost reply). Otherwise it may queue.
-- KEYS[1] lock: 'shared:<fencing token>' while readers hold it; it ends with the last of their leases
-- KEYS[2] fence   KEYS[3] queue   KEYS[4] places: see queue.lua
-- KEYS[5] readers: ZSET token -> server time (ms) at which its lease ends
-- ARGV[1] token of the caller      ARGV[2] lease in ms
-- ARGV[3] how long the fence is remembered, ms
-- ARGV[4] how long a place in the queue is kept without a sign of life, ms; 0: do not queue
-- ARGV[5] prefix of the processes' channels
-- ARGV[6…] other tokens of the caller's process whose places are kept too
-- Returns {1, fencing token} or {0, ms after which to ask again}
local me = ARGV[1]
local now = server_ms()
local owner = redis.call('GET', KEYS[1])
local mine = holds(KEYS[5], me, now)
local shared = is_shared(owner) and redis.call('ZCARD', KEYS[5]) > 0
if not (shared and mine) then
  -- The first living writer in front of the caller; the dead go.
  local patience
  for _, token in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if token == me then
      break
    end
    if not is_reader(token) then
      local left = tonumber(redis.call('HGET', KEYS[4], token) or 0) - now
      if left > 0 then
        patience = left
        break
      end
      redis.call('ZREM', KEYS[3], token)
      redis.call('HDEL', KEYS[4], token)
    end
  end
  local written = owner and not is_shared(owner)
  if written or patience then
    if tonumber(ARGV[4]) > 0 then
      stand(KEYS[3], KEYS[4], me, tonumber(ARGV[4]), ARGV, 6)
      redis.call('HSET', KEYS[4], 'shared', 1)
    end
    if not owner then
      -- Also when it has been told before: messages can be lost.
      wake_first(KEYS[3], KEYS[4], ARGV[5])
    end
    return {0, patience or redis.call('PTTL', KEYS[1])}
  end
  if redis.call('ZREM', KEYS[3], me) == 1 then
    redis.call('HDEL', KEYS[4], me)
  end
end

local fence
if shared then
  fence = tonumber(string.sub(owner, 8))
else
  -- Left by readers whose lock was deleted by somebody else.
  redis.call('DEL', KEYS[5])
  -- One token for all who read at the same time; see acquire.lua for where it comes from.
  local time = redis.call('TIME')
  fence = math.max((redis.call('GET', KEYS[2]) or 0) + 1, time[1] * 1000000 + time[2])
  local text = string.format('%.0f', fence)
  redis.call('SET', KEYS[2], text, 'PX', ARGV[3])
  redis.call('SET', KEYS[1], 'shared:' .. text, 'PX', ARGV[2])
end
lease_until(KEYS[5], me, now + ARGV[2])
live_with(KEYS[5], KEYS[1])
live_with(KEYS[5], KEYS[5])
return {1, fence}
