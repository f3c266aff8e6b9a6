-- The version of a tag for a value that is about to be stored. A missing tag is created, and its
-- lifetime is made longer than the value's: an entry whose tag is missing does not count.
-- KEYS[1]  the tag
-- ARGV[1]  time of the logical clock when the load of the value began
-- ARGV[2]  lifetime of the value in milliseconds
-- Returns the version, `<hard>:<soft>`, and its remaining lifetime in milliseconds.
local current = redis.call('GET', KEYS[1])
if not current then
  current = ARGV[1] .. ':' .. ARGV[1]
  redis.call('SET', KEYS[1], current, 'PX', 2 * ARGV[2])
elseif redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
end
return { current, redis.call('PTTL', KEYS[1]) }
