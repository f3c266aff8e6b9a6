-- The logical clock of tags: reads it, or moves it on by one. A missing one is created from the
-- server's clock, so that it is newer than any that was lost.
-- KEYS[1]  the clock
-- ARGV[1]  'read' or 'tick'
-- Returns its time.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local time = redis.call('TIME')
  redis.call('SET', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2]))
end
if ARGV[1] == 'tick' then redis.call('INCR', KEYS[1]) end
return redis.call('GET', KEYS[1])
