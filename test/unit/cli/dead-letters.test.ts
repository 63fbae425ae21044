import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { run } from '../../../src/cli/run.ts'
import { memoryTerminal } from './memory-terminal.ts'

/** Every body that was posted. */
let posted: string[] = []
/** How many dead letters the service says it counts. */
let count = 0
let base = ''
const server = createServer(async (request, response) => {
  if (request.method === 'GET') return void response.end(JSON.stringify({ service: 'billing' }))
  let body = ''
  for await (const part of request) body += String(part)
  posted.push(body)
  const state = body.includes('expect') ? { number: '7' } : { outcome: 'preview' }
  response.end(JSON.stringify({ ...state, count }))
})

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

async function ran(line: string, counted: number): Promise<{ code: number; err: string; done: number }> {
  posted = []
  count = counted
  const { terminal, written } = memoryTerminal()
  const { signal } = new AbortController()
  const words = ['dead-letters', ...line.split(' '), '--reason', 'x', '--url', base]
  const around = { commands, terminal, env: {}, cwd: '/', version: async () => '0', signal }
  const code = await run(words, around)
  return { code, err: written.err, done: posted.filter((body) => body.includes('expect')).length }
}

for (const verb of ['discard', 'redrive']) {
  test(`${verb} of numbers that are not all there is exit 4, and nothing is done`, async () => {
    for (const end of ['--yes', '--dry-run']) {
      const none = await ran(`${verb} 999 ${end}`, 0)
      assert.deepEqual({ code: none.code, done: none.done }, { code: 4, done: 0 })
      assert.match(none.err, /^NOT_FOUND: billing has no dead letter of that number\./)
      const some = await ran(`${verb} 1 2 999 ${end}`, 2)
      assert.deepEqual({ code: some.code, done: some.done }, { code: 4, done: 0 })
      assert.match(some.err, /only 2 of the 3 numbers/)
    }
  })

  test(`${verb} goes on when all numbers are there, one written twice counting once`, async () => {
    assert.deepEqual(await ran(`${verb} 1 2 --yes`, 2), { code: 0, err: '', done: 1 })
    assert.deepEqual(await ran(`${verb} 1 01 1 --yes`, 1), { code: 0, err: '', done: 1 })
  })

  test(`${verb} by a filter that fits nothing is no failure`, async () => {
    assert.deepEqual(await ran(`${verb} --key K --yes`, 0), { code: 0, err: '', done: 0 })
  })
}
