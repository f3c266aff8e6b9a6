-- Starts a new generation of a cache, which makes every record of it dead, and announces it.
-- KEYS[1]  the generation
-- ARGV[1]  channel of the invalidation bus
-- ARGV[2]  message
-- Returns the new generation: the server's clock in microseconds, or one more than the old one.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local generation = math.max(now, (tonumber(redis.call('GET', KEYS[1])) or 0) + 1)
local text = string.format('%.0f', generation)
redis.call('SET', KEYS[1], text)
redis.call('PUBLISH', ARGV[1], ARGV[2])
return text
