-- Takes the right to refresh a value that is there; others go on reading it. Needs entry.lua before it.
-- KEYS[1]  the entry
-- ARGV[1]  token of the value that was read
-- ARGV[2]  token of the lease
-- ARGV[3]  lifetime of the lease in milliseconds
-- Returns 'leased', 'busy' (somebody refreshes it), 'failed' (a refresh failed a moment ago) or
-- 'changed' (the key holds something else by now).
local head = redis.call('GETRANGE', KEYS[1], 3, 55)
if string.byte(head) ~= 1 or string.sub(head, 2, 23) ~= ARGV[1] then return 'changed' end
local holder = string.sub(head, 24, 45)
local time = now()
if holder ~= NOBODY and holder ~= ARGV[2] and struct.unpack('>d', string.sub(head, 46, 53)) > time then
  return holder == FAILED and 'failed' or 'busy'
end
lend(KEYS[1], ARGV[2], time + ARGV[3])
return 'leased'
