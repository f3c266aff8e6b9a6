-- Makes a lease last at least as long as asked; never shortens it.
-- KEYS[1] lock
-- ARGV[1] token of the caller   ARGV[2] lease in ms
-- Returns 1, or 0 when the caller does not hold the lock
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
-- Written also when it changes nothing: WAIT counts what its own connection has written.
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), ARGV[2]))
return 1
