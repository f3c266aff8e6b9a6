-- Makes the lease of a permit last at least as long as asked; never shortens it.
-- KEYS[1] permits: ZSET token -> server time (ms) at which its lease ends
-- ARGV[1] token of the caller   ARGV[2] lease in ms
-- Returns 1, or 0 when the caller does not have a permit
local now = server_ms()
if not holds(KEYS[1], ARGV[1], now) then
  return 0
end
lease_until(KEYS[1], ARGV[1], now + ARGV[2])
live_with(KEYS[1], KEYS[1])
return 1
