import { script } from './command.ts'

/*
 * Each script decides everything that can fail before it writes: Redis does not take back what a script wrote before an
 * error. What it wrote reaches the append-only file as one transaction.
 */

/** KEYS: topic, shards… · ARGV: epoch, shards. Makes the topic where it does not exist. */
export const makeTopic = script(`
local known = redis.call('HMGET', KEYS[1], 'epoch', 'shards')
if known[1] then return {'there', known[1], known[2]} end
for at = 2, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 1 then return {'remains', KEYS[at]} end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'shards', ARGV[2], 'format', '1')
return {'there', ARGV[1], ARGV[2]}
`)

/**
 * KEYS: topic, shard · ARGV: epoch, field of the offset, '1' if lost messages are accepted, number of chains,
 * for each its field, the first previous, the last position; then for each event the number of its words, and those. Appends
 * all of them or none.
 */
export const append = script(`
local function below(a, b) return #a < #b or (#a == #b and a < b) end
local state = redis.call('HMGET', KEYS[1], 'epoch', ARGV[2])
if state[1] ~= ARGV[1] then return {'epoch'} end
local events = 5 + 3 * tonumber(ARGV[4])
local changes = {}
for at = 5, events - 1, 3 do
  local mark = redis.call('HGET', KEYS[1], ARGV[at]) or '0'
  if ARGV[3] == '0' and below(mark, ARGV[at + 1]) then return {'lost', mark, ARGV[at + 1]} end
  if below(mark, ARGV[at + 2]) then
    changes[#changes + 1] = ARGV[at]
    changes[#changes + 1] = ARGV[at + 2]
  end
end
local last = tonumber(state[2] or '0')
local at = events
while at <= #ARGV do
  last = last + 1
  local words = tonumber(ARGV[at])
  local added = redis.pcall('XADD', KEYS[2], string.format('%d-0', last), unpack(ARGV, at + 1, at + words))
  at = at + 1 + words
  if type(added) == 'table' and added.err then
    if string.sub(added.err, 1, 4) == 'ERR ' then return {'foreign'} end
    return added
  end
end
redis.call('HSET', KEYS[1], ARGV[2], string.format('%d', last), unpack(changes))
return {'sent'}
`)

/** KEYS: topic, shard · ARGV: fields of offset and floor, cursor, limit. What the shard holds after a cursor. */
export const read = script(`
return {
  redis.call('HMGET', KEYS[1], 'epoch', ARGV[1], ARGV[2]),
  redis.call('XRANGE', KEYS[2], '(' .. ARGV[3] .. '-0', '+', 'COUNT', ARGV[4]),
}
`)

/** KEYS: topic, shards… · ARGV: group, fields of the floors…. Lets the group begin where nothing was trimmed yet. */
export const beginGroup = script(`
for at = 2, #KEYS do
  local floor = redis.call('HGET', KEYS[1], ARGV[at]) or '0'
  local made = redis.pcall('XGROUP', 'CREATE', KEYS[at], ARGV[1], floor .. '-0', 'MKSTREAM', 'ENTRIESREAD', floor)
  if made.err and string.sub(made.err, 1, 10) ~= 'BUSYGROUP ' then return made end
end
return {'there'}
`)

/** KEYS: topic, shard · ARGV: group, field of the floor. Lets the group begin again where nothing was trimmed yet. */
export const beginAgain = script(`
local floor = redis.call('HGET', KEYS[1], ARGV[2]) or '0'
return redis.call('XGROUP', 'SETID', KEYS[2], ARGV[1], floor .. '-0', 'ENTRIESREAD', floor)
`)

/**
 * KEYS: topic, shard · ARGV: fields of offset and floor, entries to keep. Removes what every group has finished; nothing
 * where there is no group.
 */
export const trim = script(`
local state = redis.call('HMGET', KEYS[1], ARGV[1], ARGV[2])
local floor = tonumber(state[2] or '0')
local upto = tonumber(state[1] or '0') - tonumber(ARGV[3])
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[2])
if groups.err or #groups == 0 then return {string.format('%d', floor), '0'} end
for _, group in ipairs(groups) do
  local about = {}
  for at = 1, #group, 2 do about[group[at]] = group[at + 1] end
  local done = tonumber(string.match(about['last-delivered-id'], '^%d+'))
  if about['pending'] > 0 then
    local first = redis.call('XPENDING', KEYS[2], about['name'])[2]
    done = math.min(done, tonumber(string.match(first, '^%d+')) - 1)
  end
  upto = math.min(upto, done)
end
if upto <= floor then return {string.format('%d', floor), '0'} end
local removed = redis.call('XTRIM', KEYS[2], 'MINID', string.format('%d-0', upto + 1))
redis.call('HSET', KEYS[1], ARGV[2], string.format('%d', upto))
return {string.format('%d', upto), tostring(removed)}
`)
