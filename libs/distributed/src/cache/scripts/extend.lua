-- Prolongs the lease of a load that is still running.
-- KEYS[1]  the entry
-- ARGV[1]  the lease
-- ARGV[2]  lifetime from now in milliseconds
-- Returns 1, or 0 when the lease is lost.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
