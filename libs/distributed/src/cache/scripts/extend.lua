-- Prolongs the lease of a load that is still running. Needs entry.lua before it.
-- KEYS[1]  the entry
-- ARGV[1]  token of the lease
-- ARGV[2]  lifetime from now in milliseconds
-- Returns 1, or 0 when the lease is lost.
local mine = standing(KEYS[1], ARGV[1])
if mine == 'lease' then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if mine ~= 'refresh' then return 0 end
lend(KEYS[1], ARGV[1], now() + ARGV[2])
return 1
