-- Starts a new generation of a cache, which makes every record of it dead (or stale), and announces it.
-- KEYS[1]  the generation
-- ARGV[1]  'hard': dead; 'soft': stale
-- ARGV[2]  channel of the invalidation bus
-- ARGV[3]  message
-- Returns the new generation, `<hard>:<soft>`: the server's clock in microseconds, or one more than
-- the old one.
local hard, soft = string.match(redis.call('GET', KEYS[1]) or '0:0', '^(%d+):(%d+)$')
local time = redis.call('TIME')
local created = time[1] * 1000000 + time[2]
local version = math.max(created, (tonumber(hard) or 0) + 1, (tonumber(soft) or 0) + 1)
local text
if ARGV[1] == 'soft' and tonumber(hard) > 0 then
  text = string.format('%s:%.0f', hard, version)
else
  text = string.format('%.0f:%.0f', version, version)
end
redis.call('SET', KEYS[1], text)
redis.call('PUBLISH', ARGV[2], ARGV[3])
return text
