-- Ends a tag's version, which makes every entry that carries it dead (or stale), and announces it.
-- Versions only grow, in whatever order the calls arrive.
-- KEYS[1]  the tag
-- ARGV[1]  the new version, a time of the logical clock
-- ARGV[2]  'hard': dead; 'soft': stale
-- ARGV[3]  shortest lifetime of the version in milliseconds: longer than any load
-- ARGV[4]  channel of the invalidation bus
-- ARGV[5]  message
-- Returns the version, `<hard>:<soft>`.
local hard, soft = string.match(redis.call('GET', KEYS[1]) or '0:0', '^(%d+):(%d+)$')
local version = tonumber(ARGV[1])
if ARGV[2] == 'soft' then
  soft = math.max(tonumber(soft), version)
else
  hard = math.max(tonumber(hard), version)
end
local text = string.format('%.0f:%.0f', hard, soft)
local left = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[3]))
redis.call('SET', KEYS[1], text, 'PX', left)
redis.call('PUBLISH', ARGV[4], ARGV[5])
return text
