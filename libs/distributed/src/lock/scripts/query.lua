-- Who holds a lock.
-- KEYS[1] lock   KEYS[2] fence
-- Returns {token of the owner, remaining lease in ms, fencing token}, or nil when it is free
local owner = redis.call('GET', KEYS[1])
if not owner then
  return nil
end
return {owner, redis.call('PTTL', KEYS[1]), tonumber(redis.call('GET', KEYS[2]) or 0)}
