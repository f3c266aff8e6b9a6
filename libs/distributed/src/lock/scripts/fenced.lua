-- Runs `body` if no later holder of the lock was here, and remembers this one. The text of `body` is
-- put before this file: local function body(KEYS, ARGV) … end
-- KEYS[1] fence: hash of token, number of the holder's last operation, and its packed reply
-- KEYS[2…] the keys of the body
-- ARGV[1] token of the holder   ARGV[2] number of the operation, growing with each of the holder
-- ARGV[3] how long the fence is remembered, ms   ARGV[4] '1' to remember the reply, for a body that
-- must not happen twice   ARGV[5…] the arguments of the body
-- Returns {1, reply of the body} or {0, token of the later holder, or of this one when the operation
-- itself is late}
local token, number = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = redis.call('HMGET', KEYS[1], 'token', 'number', 'reply')
local last_token, last_number = tonumber(last[1] or 0), tonumber(last[2] or 0)
if last_token > token or (last_token == token and last_number > number) then
  return {0, last[1]}
end
if last_token == token and last_number == number and last[3] then
  -- Sent again after a lost reply: it happened once, and the answer is the same.
  local reply = cmsgpack.unpack(last[3])
  return type(reply) == 'table' and reply.err and reply or {1, reply}
end

-- The fence goes first: what a body reads before it fails has been read by this holder.
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'number', ARGV[2])
redis.call('HDEL', KEYS[1], 'reply')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local keys, arguments = {}, {}
for i = 2, #KEYS do keys[i - 1] = KEYS[i] end
for i = 5, #ARGV do arguments[i - 4] = ARGV[i] end
local done, reply = pcall(body, keys, arguments)
if not done and type(reply) ~= 'table' then
  reply = redis.error_reply(tostring(reply))
end
if reply == nil then
  reply = false
end
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[1], 'reply', cmsgpack.pack(reply))
end
return type(reply) == 'table' and reply.err and reply or {1, reply}
