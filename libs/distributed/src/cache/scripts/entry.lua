-- What the scripts know of a record; the layout is described in entry-format.ts.

-- What the holder of a token may do with the entry under a key: 'lease' (its own lease of a missing
-- value), 'refresh' (its own lease of a value that is there), 'filled' (its own value), or nothing.
local function standing(key, token)
  local head = redis.call('GETRANGE', key, 3, 47)
  local kind = string.byte(head)
  if kind == 0 and string.sub(head, 2, 23) == token then return 'lease' end
  if kind == 1 and string.sub(head, 24, 45) == token then return 'refresh' end
  if kind == 1 and string.sub(head, 2, 23) == token then return 'filled' end
  return nil
end

local NOBODY = string.rep('\0', 22)
-- Stands in place of a refresher's token for a while after its load failed.
local FAILED = '!' .. string.rep('\0', 21)

-- The server's clock in milliseconds.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Says who refreshes the value under a key, and until when.
local function lend(key, token, untilMs)
  redis.call('SETRANGE', key, 26, token .. struct.pack('>d', untilMs))
end
