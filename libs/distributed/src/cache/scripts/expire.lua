-- Makes a value stale at once: what is left of its lifetime is the time in which it may be served
-- stale. Without such a time, and for leases and errors, the entry is evicted. Announces it.
-- Needs entry.lua before it.
-- KEYS[1]  the entry
-- KEYS[2]  its intent
-- ARGV[1]  channel of the invalidation bus
-- ARGV[2]  message
-- Returns 1 when a stale value is left, else 0.
local head = redis.call('GETRANGE', KEYS[1], 3, 79)
local left = 0
if string.byte(head) == 1 then
  local revalidate = struct.unpack('>d', string.sub(head, 62, 69))
  local onError = struct.unpack('>d', string.sub(head, 70, 77))
  left = math.min(math.max(revalidate, onError), redis.call('PTTL', KEYS[1]))
end
redis.call('UNLINK', KEYS[2])
if left > 0 then
  redis.call('PEXPIRE', KEYS[1], left)
  -- Whoever refreshes it read before this moment.
  lend(KEYS[1], NOBODY, 0)
else
  redis.call('UNLINK', KEYS[1])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return left > 0 and 1 or 0
