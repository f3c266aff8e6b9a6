-- Frees a lock if the caller holds it, and announces that.
-- KEYS[1] lock
-- ARGV[1] token of the caller   ARGV[2] channel   ARGV[3] name of the lock
-- Returns 1, or 0 when the caller did not hold the lock
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[1] .. ' ' .. ARGV[3])
return 1
