-- Who has one master's vote.
-- KEYS[1] lock
-- Returns {owner, remaining lease in ms}, or nil when nobody has it
local owner = read_vote(KEYS[1])
if not owner then
  return nil
end
return {owner, redis.call('PTTL', KEYS[1])}
