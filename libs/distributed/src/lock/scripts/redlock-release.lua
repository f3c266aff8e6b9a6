-- Takes back one master's vote, unless a later command of the same owner has got it.
-- KEYS[1] lock
-- ARGV[1] owner   ARGV[2] number of this command   ARGV[3] how long the lock stays taken, by nobody, ms
-- Returns 1, or 0 when the owner does not have this master's vote
local owner, number = read_vote(KEYS[1])
if owner ~= ARGV[1] or number >= tonumber(ARGV[2]) then
  return 0
end
if tonumber(ARGV[3]) > 0 then
  redis.call('SET', KEYS[1], 'kept:' .. owner .. '#' .. ARGV[2], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
