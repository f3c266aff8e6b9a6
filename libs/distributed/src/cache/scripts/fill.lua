-- Writes a loaded value only if the key still holds the lease it was loaded under: an eviction, a
-- put or another lease in between wins. Needs entry.lua before it.
-- KEYS[1]  the entry
-- ARGV[1]  token of the lease
-- ARGV[2]  the record of the value
-- ARGV[3]  lifetime in milliseconds
-- Returns 1 when the value is stored (also by an earlier sending of this very call), else 0.
local mine = standing(KEYS[1], ARGV[1])
if mine == 'filled' then return 1 end
if not mine then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
