-- Makes a lease last at least as long as asked on one master; plants nothing where it is gone.
-- KEYS[1] lock
-- ARGV[1] owner   ARGV[2] number of this command   ARGV[3] lease in ms
-- Returns 1, or 0 when the owner does not have this master's vote
local owner, number = read_vote(KEYS[1])
if owner ~= ARGV[1] then
  return 0
end
local lease = math.max(tonumber(ARGV[3]), redis.call('PTTL', KEYS[1]))
number = math.max(number, tonumber(ARGV[2]))
-- With the new number: a release of an earlier attempt that is still on its way must not find it.
redis.call('SET', KEYS[1], owner .. '#' .. string.format('%.0f', number), 'PX', lease)
return 1
