-- Reads a cache's generation; creates a missing one from the server's clock, so that it is newer
-- than any that was lost and dead records stay dead.
-- KEYS[1]  the generation
-- Returns the generation, `<hard>:<soft>`.
local current = redis.call('GET', KEYS[1])
if current then return current end
local time = redis.call('TIME')
local created = string.format('%.0f', time[1] * 1000000 + time[2])
current = created .. ':' .. created
redis.call('SET', KEYS[1], current)
return current
