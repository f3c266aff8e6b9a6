-- Takes the lease of an entry whose record no longer counts (older generation, other version).
-- KEYS[1]  the entry
-- ARGV[1]  first bytes of the record to replace
-- ARGV[2]  record of the lease
-- ARGV[3]  lifetime of the lease in milliseconds
-- ARGV[4]  first bytes of the lease's record
-- Returns 1 when the lease is ours, 0 when the key holds something else by now.
local current = redis.call('GETRANGE', KEYS[1], 0, math.max(#ARGV[1], #ARGV[4]) - 1)
if current == ARGV[4] then return 1 end
if #current == 0 or string.sub(current, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
