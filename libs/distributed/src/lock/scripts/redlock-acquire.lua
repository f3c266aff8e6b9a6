-- One master's vote for a lock.
-- KEYS[1] lock   KEYS[2] process that was refused last
-- ARGV[1] owner   ARGV[2] number of this command   ARGV[3] lease in ms
-- ARGV[4] owner that gives the lock back in the same step, or ''
-- ARGV[5] how long a refusal is remembered in ms; 0 for who does not wait
-- Returns {1 for the vote or 0, 1 when ARGV[4] was freed or 0}
local owner, number = read_vote(KEYS[1])
local process = string.match(ARGV[1], '^[^:]*')
local waits = tonumber(ARGV[5])
local freed = 0
if owner and owner == ARGV[4] and number < tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1])
  owner = nil
  freed = 1
  local other = waits > 0 and redis.call('GET', KEYS[2])
  if other and other ~= process then
    -- Without a queue, a process that hands over to itself would keep the lock for ever.
    redis.call('DEL', KEYS[2])
    return {0, freed}
  end
end
if owner and owner ~= ARGV[1] then
  if waits > 0 then
    redis.call('SET', KEYS[2], process, 'PX', waits)
  end
  return {0, freed}
end
local lease = tonumber(ARGV[3])
if owner then
  if number > tonumber(ARGV[2]) then
    return {1, freed}
  end
  -- A lease that was granted is never shortened.
  lease = math.max(lease, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[1], ARGV[1] .. '#' .. ARGV[2], 'PX', lease)
return {1, freed}
