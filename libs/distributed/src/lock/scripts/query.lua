-- Who holds a lock.
-- KEYS[1] lock   KEYS[2] fence   KEYS[3] queue
-- Returns {token of the owner, remaining lease in ms, last fencing token, waiters}, or nil when free
local owner = redis.call('GET', KEYS[1])
if not owner then
  return nil
end
local fence = tonumber(redis.call('GET', KEYS[2]) or 0)
return {owner, redis.call('PTTL', KEYS[1]), fence, redis.call('ZCARD', KEYS[3])}
