-- The waiters of a lock, for the scripts that meet them. Put before their text.
-- queue: ZSET token -> order of arrival     places: HASH token -> server time (ms) it is kept until

-- The first waiter that is alive, and for how long (ms) it still is; the dead in front of it go.
local function first_waiter(queue, places, now)
  while true do
    local token = redis.call('ZRANGE', queue, 0, 0)[1]
    if not token then
      return nil, 0
    end
    local patience = tonumber(redis.call('HGET', places, token) or 0) - now
    if patience > 0 then
      return token, patience
    end
    redis.call('ZREM', queue, token)
    redis.call('HDEL', places, token)
  end
end

local function server_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Tells the process of a token something about it.
local function tell(channels, what, token)
  redis.call('PUBLISH', channels .. string.match(token, '^[^:]*'), what .. ' ' .. token)
end

-- Readers, who may hold a lock together, are known by the end of their tokens.
local function is_reader(token)
  return string.sub(token, -7) == '/shared'
end

-- While readers hold a lock, this is its value instead of a token: 'shared:<fencing token>'.
local function is_shared(owner)
  return owner and string.sub(owner, 1, 7) == 'shared:'
end

-- Puts the readers that wait in front of the writers that wait: the next phase is theirs.
local function readers_first(queue, places)
  -- Set by every reader that stands in the queue.
  if redis.call('HDEL', places, 'shared') == 0 then
    return
  end
  local readers = {}
  for _, token in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if is_reader(token) then
      readers[#readers + 1] = token
    end
  end
  local front = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')[2]
  for i, token in ipairs(readers) do
    redis.call('ZADD', queue, front - #readers + i - 1, token)
  end
end

-- Tells the first waiter that it may be its turn; if it is a reader, all up to the next writer.
local function wake_first(queue, places, channels, after_writer)
  if redis.call('EXISTS', queue) == 0 then
    return
  end
  if after_writer then
    readers_first(queue, places)
  end
  local first = first_waiter(queue, places, server_ms())
  if not first then
    return
  end
  tell(channels, 'turn', first)
  if is_reader(first) then
    for _, token in ipairs(redis.call('ZRANGE', queue, 1, -1)) do
      if not is_reader(token) then
        break
      end
      tell(channels, 'turn', token)
    end
  end
end

-- Takes a place behind everybody, or keeps it, together with those in tokens[from…].
local function stand(queue, places, me, keep, tokens, from)
  local now = server_ms()
  -- Behind everybody, also when the clock has stepped back.
  local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', queue, 'NX', math.max(last + 1, now), me)
  redis.call('HSET', places, me, now + keep)
  for i = from, #tokens do
    if redis.call('HEXISTS', places, tokens[i]) == 1 then
      redis.call('HSET', places, tokens[i], now + keep)
    end
  end
  redis.call('PEXPIRE', queue, 2 * keep)
  redis.call('PEXPIRE', places, 2 * keep)
end

-- Holders that share: ZSET token -> server time (ms) at which the lease of this one ends.
-- Makes one of these leases last at least until then; never shortens it.
local function lease_until(holders, token, time)
  if time > tonumber(redis.call('ZSCORE', holders, token) or 0) then
    redis.call('ZADD', holders, time, token)
  end
end

-- Whether the lease of a token is not over; entries of the dead go.
local function holds(holders, token, now)
  redis.call('ZREMRANGEBYSCORE', holders, '-inf', now)
  return redis.call('ZSCORE', holders, token) ~= false
end

-- Lets a key live exactly as long as the longest of these leases.
local function live_with(holders, key)
  local last = redis.call('ZRANGE', holders, -1, -1, 'WITHSCORES')[2]
  if last then
    redis.call('PEXPIREAT', key, last)
  end
end
