-- Gives up a permit or a place in the queue, and wakes the next waiter.
-- KEYS[1] permits: ZSET token -> server time (ms) at which its lease ends
-- KEYS[2] queue   KEYS[3] places: see queue.lua
-- ARGV[1] token of the caller   ARGV[2] prefix of the processes' channels
-- ARGV[3] how long the permit stays taken, by nobody, ms
-- Returns 1, or 0 when the caller did not have a permit
local now = server_ms()
if not holds(KEYS[1], ARGV[1], now) then
  if redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then
    redis.call('HDEL', KEYS[3], ARGV[1])
    wake_first(KEYS[2], KEYS[3], ARGV[2])
  end
  return 0
end
redis.call('ZREM', KEYS[1], ARGV[1])
if tonumber(ARGV[3]) > 0 then
  -- Under another token: a renewal that is still on its way must not find it.
  redis.call('ZADD', KEYS[1], now + ARGV[3], 'kept:' .. ARGV[1])
end
live_with(KEYS[1], KEYS[1])
if tonumber(ARGV[3]) == 0 then
  wake_first(KEYS[2], KEYS[3], ARGV[2])
end
return 1
