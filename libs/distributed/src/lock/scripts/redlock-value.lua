-- What a Redlock master keeps for a lock: "<owner>#<number of the command that wrote it>". Put before
-- the text of the scripts that meet it.

-- Owner and number; nil when nobody has this master's vote.
local function read_vote(key)
  local value = redis.call('GET', key)
  if not value then
    return nil, 0
  end
  local owner, number = string.match(value, '^(.*)#(%d+)$')
  return owner or value, tonumber(number or 0)
end
