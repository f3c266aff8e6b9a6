-- Makes the lease of a reader last at least as long as asked; never shortens it.
-- KEYS[1] lock   KEYS[2] readers: see acquire-shared.lua
-- ARGV[1] token of the caller   ARGV[2] lease in ms
-- Returns 1, or 0 when the caller does not hold the lock
local now = server_ms()
if not is_shared(redis.call('GET', KEYS[1])) or not holds(KEYS[2], ARGV[1], now) then
  return 0
end
lease_until(KEYS[2], ARGV[1], now + ARGV[2])
live_with(KEYS[2], KEYS[1])
live_with(KEYS[2], KEYS[2])
return 1
