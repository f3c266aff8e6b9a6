-- Writes a value and announces it, if no other write or eviction of the entry came since its intent
-- was noted. Otherwise nobody knows which value is newer: evicts the entry.
-- KEYS[1]  the entry
-- KEYS[2]  its intent
-- ARGV[1]  the intent's token
-- ARGV[2]  the record of the value
-- ARGV[3]  lifetime in milliseconds
-- ARGV[4]  channel of the invalidation bus
-- ARGV[5]  message
-- Returns 1 when the value is stored, 0 when the entry was evicted (also when this very call is sent
-- twice: the value may have been evicted in between).
local stored = 0
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  redis.call('UNLINK', KEYS[2])
  stored = 1
else
  redis.call('UNLINK', KEYS[1], KEYS[2])
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return stored
