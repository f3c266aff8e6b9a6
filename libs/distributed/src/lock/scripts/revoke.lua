-- Takes a lock away from its owner, or from all its readers, by force; tells their processes, and
-- wakes the next waiter.
-- KEYS[1] lock   KEYS[2] queue   KEYS[3] places   KEYS[4] readers
-- ARGV[1] value of the lock   ARGV[2] prefix of the processes' channels
-- Returns 1, or 0 when the lock has another value by now
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
if is_shared(ARGV[1]) then
  for _, token in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    tell(ARGV[2], 'revoked', token)
  end
  redis.call('DEL', KEYS[4])
else
  tell(ARGV[2], 'revoked', ARGV[1])
end
wake_first(KEYS[2], KEYS[3], ARGV[2], true)
return 1
