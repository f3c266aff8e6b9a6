-- Runs every command the scripts of this room need, on keys of its own, and deletes them again. A new
-- command there needs a line here: the spec of the check compares the two.
-- KEYS[1…3] keys of locks   KEYS[4] a key of semaphores
-- ARGV[1] a channel of a process
-- Returns a line for each command that was refused: its name, a space, the error
local refused = {}
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = command .. ' ' .. reply.err
  end
end

try('TIME')
try('SET', KEYS[1], '1', 'PX', 1000)
try('GET', KEYS[1])
try('EXISTS', KEYS[1])
try('PEXPIRE', KEYS[1], 1000)
try('PTTL', KEYS[1])
try('ZADD', KEYS[2], 'NX', 1, 'a')
try('ZADD', KEYS[4], 1, 'a')
try('ZCARD', KEYS[2])
try('ZSCORE', KEYS[2], 'a')
try('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
try('ZREMRANGEBYSCORE', KEYS[2], '-inf', 0)
try('PEXPIREAT', KEYS[2], 9000000000000)
try('ZREM', KEYS[2], 'a')
try('HSET', KEYS[3], 'a', '1')
try('HGET', KEYS[3], 'a')
try('HEXISTS', KEYS[3], 'a')
try('HDEL', KEYS[3], 'a')
try('PUBLISH', ARGV[1], 'check')
try('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return refused
