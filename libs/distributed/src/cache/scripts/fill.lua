-- Writes a loaded value only if the key still holds the lease it was loaded under: an eviction, a
-- put or another lease in between wins.
-- KEYS[1]  the entry
-- ARGV[1]  the lease
-- ARGV[2]  the record of the value
-- ARGV[3]  lifetime in milliseconds
-- Returns 1 when the value is stored (also by an earlier sending of this very call), else 0.
local current = redis.call('GET', KEYS[1])
if current == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
if current == ARGV[2] then
  return 1
end
return 0
