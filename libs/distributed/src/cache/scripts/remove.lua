-- Evicts an entry with its lease and its intent, and announces it in the same step: whoever hears
-- the message reads a store that has already forgotten.
-- KEYS[1]  the entry
-- KEYS[2]  its intent
-- ARGV[1]  channel of the invalidation bus
-- ARGV[2]  message
-- Returns the number of keys that existed.
local removed = redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return removed
