-- Gives a lease back without a value, so that others need not wait for one.
-- KEYS[1]  the entry
-- ARGV[1]  the lease
-- Returns 1, or 0 when the lease was lost already.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('UNLINK', KEYS[1])
