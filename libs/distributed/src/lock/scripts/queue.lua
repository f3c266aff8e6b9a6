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

-- Tells the first waiter that it may be its turn.
local function wake_first(queue, places, channels)
  if redis.call('EXISTS', queue) == 1 then
    local first = first_waiter(queue, places, server_ms())
    if first then
      tell(channels, 'turn', first)
    end
  end
end
