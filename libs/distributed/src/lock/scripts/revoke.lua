-- Takes a lock away from its owner by force, tells his process, and wakes the next waiter.
-- KEYS[1] lock   KEYS[2] queue   KEYS[3] places
-- ARGV[1] token of the owner   ARGV[2] prefix of the processes' channels
-- Returns 1, or 0 when the owner does not hold the lock any more
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
tell(ARGV[2], 'revoked', ARGV[1])
wake_first(KEYS[2], KEYS[3], ARGV[2])
return 1
