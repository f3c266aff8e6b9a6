-- Gives up a claim, held or waiting, and wakes the next waiter.
-- KEYS[1] lock   KEYS[2] queue   KEYS[3] places
-- ARGV[1] token of the caller   ARGV[2] prefix of the processes' channels
-- ARGV[3] how long the lock stays taken, by nobody, ms
-- Returns 1, or 0 when the caller did not hold the lock
local owner = redis.call('GET', KEYS[1])
local keep = tonumber(ARGV[3])
if owner == ARGV[1] and keep == 0 and redis.call('EXISTS', KEYS[2]) == 0 then
  -- The usual case, before the functions for waiters are made.
  redis.call('DEL', KEYS[1])
  return 1
end
-- @prelude
if owner ~= ARGV[1] then
  if redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then
    redis.call('HDEL', KEYS[3], ARGV[1])
    -- Readers behind a writer that leaves may join those that hold the lock.
    if not owner or is_shared(owner) then
      wake_first(KEYS[2], KEYS[3], ARGV[2])
    end
  end
  return 0
end
if keep > 0 then
  -- Under another token: a renewal that is still on its way must not find it.
  redis.call('SET', KEYS[1], 'kept:' .. ARGV[1], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
  wake_first(KEYS[2], KEYS[3], ARGV[2], true)
end
return 1
