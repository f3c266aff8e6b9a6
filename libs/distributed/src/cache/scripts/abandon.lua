-- Gives a lease back without a value, so that others need not wait for one. A value that is there
-- stays as it is. Needs entry.lua before it.
-- KEYS[1]  the entry
-- ARGV[1]  token of the lease
-- ARGV[2]  record of the error for those who wait, or ''
-- ARGV[3]  lifetime of that record in milliseconds
-- ARGV[4]  for so many milliseconds nobody else refreshes the value that is there
-- Returns 1, or 0 when the lease was lost already.
local mine = standing(KEYS[1], ARGV[1])
if mine == 'lease' then
  if ARGV[2] == '' then
    redis.call('UNLINK', KEYS[1])
  else
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  end
  return 1
end
if mine ~= 'refresh' then return 0 end
local pause = tonumber(ARGV[4])
if pause > 0 then
  lend(KEYS[1], FAILED, now() + pause)
else
  lend(KEYS[1], NOBODY, 0)
end
return 1
