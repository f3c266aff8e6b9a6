-- Gives up the claim of a reader, held or waiting; the last one to leave wakes the next waiter.
-- KEYS[1] lock   KEYS[2] queue   KEYS[3] places   KEYS[4] readers: see acquire-shared.lua
-- ARGV[1] token of the caller   ARGV[2] prefix of the processes' channels
-- ARGV[3] how long the lock stays taken, by nobody, ms
-- Returns 1, or 0 when the caller did not hold the lock
local now = server_ms()
local owner = redis.call('GET', KEYS[1])
if not is_shared(owner) or not holds(KEYS[4], ARGV[1], now) then
  if redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then
    redis.call('HDEL', KEYS[3], ARGV[1])
    if not owner then
      wake_first(KEYS[2], KEYS[3], ARGV[2])
    end
  end
  return 0
end
redis.call('ZREM', KEYS[4], ARGV[1])
if tonumber(ARGV[3]) > 0 then
  -- Under another token: a renewal that is still on its way must not find it.
  redis.call('ZADD', KEYS[4], now + ARGV[3], 'kept:' .. ARGV[1])
end
if redis.call('ZCARD', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[1])
  wake_first(KEYS[2], KEYS[3], ARGV[2])
else
  live_with(KEYS[4], KEYS[1])
  live_with(KEYS[4], KEYS[4])
end
return 1
