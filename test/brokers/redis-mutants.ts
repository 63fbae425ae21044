import type { RedisClient } from 'estafet/redis'

/** Clients that break the driver in one place each: they change a script on its way, or an answer on its way back. */
export const redisMutants: Readonly<Record<string, (client: RedisClient) => RedisClient>> = {
  'ids by the clock': changed("string.format('%d-0', last)", "'*'"),
  'another field': changed('unpack(ARGV, at + 1, at + words)', "'data', unpack(ARGV, at + 2, at + words)"),
  'the epoch is not looked at': changed("if state[1] ~= ARGV[1] then return {'epoch'} end", ''),
  'what a server lost is not looked for': changed("if ARGV[3] == '0' and", 'if false and'),
  'the offset is counted before anything is appended': changed(
    'local last = tonumber',
    "redis.call('HINCRBY', KEYS[1], ARGV[2], (#ARGV - events + 1) / 3); local last = tonumber",
  ),
  'what cannot be appended is passed over': changed(
    "if string.sub(added.err, 1, 4) == 'ERR ' then return {'foreign'} end",
    "if string.sub(added.err, 1, 4) == 'ERR ' then return {'sent'} end",
  ),
  'a lost topic is begun anew': changed("if redis.call('EXISTS', KEYS[at]) == 1 then", 'if false then'),
  'an emptied server keeps its epoch': (client) => ({
    sendCommand: (words) => client.sendCommand(words.map((word) => (isUuid(word) ? 'always-the-same' : word))),
  }),
  'groups begin at the end': changed("floor .. '-0', 'MKSTREAM'", "'$', 'MKSTREAM'"),
  'groups never move': (client) => ({
    sendCommand: (words) => (words[1] === 'SETID' ? Promise.resolve('OK') : client.sendCommand(words)),
  }),
  'groups never go back to the beginning': (client) => ({
    sendCommand: (words) =>
      words[0] === 'EVAL' && words[1]?.includes("'SETID'") === true ? Promise.resolve('OK') : client.sendCommand(words),
  }),
  'groups run ahead': (client) => ({
    sendCommand: async (words) => {
      const reply = await client.sendCommand(words)
      const last = words[0] === 'XRANGE' && Array.isArray(reply) ? reply.at(-1)?.[0] : undefined
      if (last !== undefined) await client.sendCommand(['XGROUP', 'SETID', words[1] ?? '', 'reader', last])
      return reply
    },
  }),
  'trims up to the fastest group': changed('upto = math.min(upto, done)', 'upto = done'),
  'trims what another client still holds': changed("if about['pending'] > 0 then", 'if false then'),
  'trims without a group': changed('if groups.err or #groups == 0 then', 'if groups.err then'),
  'keeps no more than is needed': changed("tonumber(state[1] or '0') - tonumber(ARGV[3])", "tonumber(state[1] or '0')"),
  'does not note what it trimmed': changed("redis.call('HSET', KEYS[1], ARGV[2], string.format('%d', upto))", ''),
  'says that what was removed was trimmed': (client) => ({
    // A floor as high as the last offset, in both ways to read.
    sendCommand: (words) => client.sendCommand(words.map((word) => (word === fields.floor ? fields.offset : word))),
  }),
  'skips an entry': reading((after) => `(${Number(after) + 1}-0`, "'(' .. (tonumber(ARGV[3]) + 1) .. '-0'"),
  'reads from the beginning': reading(() => '-', "'-'"),
  'has a shard too many': (client) => ({
    sendCommand: async (words) => {
      const reply = await client.sendCommand(words)
      return Array.isArray(reply) && reply[0] === 'there' && reply.length === 3 ? [reply[0], reply[1], '2'] : reply
    },
  }),
}

const fields = { offset: 'offset:0', floor: 'floor:0' }

/** Begins a read elsewhere, in both ways to read. */
function reading(from: (after: string) => string, inScript: string): (client: RedisClient) => RedisClient {
  const inScripts = changed("'(' .. ARGV[3] .. '-0'", inScript)
  return (client) => ({
    sendCommand(words) {
      if (words[0] !== 'XRANGE') return inScripts(client).sendCommand(words)
      const after = /\d+/.exec(words[2] ?? '')?.[0] ?? '0'
      return client.sendCommand(words.with(2, from(after)))
    },
  })
}

/** Replaces a part of a script. Sends its text each time, so that the server's copy of the true one is not used. */
function changed(from: string, to: string): (client: RedisClient) => RedisClient {
  return (client) => ({
    sendCommand(words) {
      if (words[0] === 'EVALSHA') return Promise.reject(new Error('NOSCRIPT the text is needed'))
      const isMeant = words[0] === 'EVAL' && words[1]?.includes(from) === true
      return client.sendCommand(isMeant ? ['EVAL', words[1]?.replace(from, () => to) ?? '', ...words.slice(2)] : words)
    },
  })
}

function isUuid(word: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(word)
}
