import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { CommandFailure } from '../../../src/cli/failure.ts'
import { type ServiceClient, serviceClient } from '../../../src/cli/service-client.ts'
import { clockOf } from '../../../src/cli/service-facts.ts'

/** What the server does next, whatever it is asked. */
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {}
let asked: { url: string; authorization: string | undefined }[] = []
const server = createServer((request, response) => {
  asked.push({ url: request.url ?? '', authorization: request.headers.authorization })
  answer(request, response)
})
let client: ServiceClient
let free: ServiceClient

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const at = (url: string): ServiceClient =>
    serviceClient({ name: 'orders', url: new URL(url), token: 'secret-token' }, 'orders', new AbortController().signal)
  client = at(`http://127.0.0.1:${port}/base`)
  free = at('http://127.0.0.1:1')
})
after(() => server.close())

async function failureOf(asking: Promise<unknown>): Promise<CommandFailure> {
  try {
    await asking
  } catch (error) {
    if (error instanceof CommandFailure) return error
    throw error
  }
  assert.fail('it did not fail')
}

function says(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  answer = (_, response) =>
    void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
}

test('each refusal of a service has its exit code, its own words and a hint', async () => {
  const expected = {
    400: 'usage',
    401: 'refused',
    403: 'refused',
    404: 'missing',
    409: 'refused',
    413: 'usage',
    415: 'usage',
  }
  const more = { 422: 'usage', 429: 'unreachable', 500: 'unreachable', 503: 'unreachable' }
  for (const [status, exit] of Object.entries({ ...expected, ...more })) {
    says(Number(status), { error: { code: 'SOME_CODE', message: 'Because.', hint: 'Do this.' } })
    const failure = await failureOf(client.get('/lag'))
    assert.equal(failure.exit, exit, status)
    const { code, message, hint } = failure.diagnostic
    assert.deepEqual({ code, message }, { code: 'SOME_CODE', message: 'orders: Because.' })
    assert.match(hint ?? '', status === '401' ? /ESTAFET_TOKEN/ : /^Do this\.$/)
  }
  says(401, 'Unauthorized')
  assert.match((await failureOf(client.get('/lag'))).diagnostic.hint ?? '', /ESTAFET_TOKEN/)
})

test('what is no ops API is said to be none', async () => {
  for (const body of ['<html>', '[1]', '"x"', '']) {
    says(200, body)
    assert.equal((await failureOf(client.get('/lag'))).exit, 'unreachable', body)
  }
  says(200, { items: 'none' })
  const { exit, diagnostic } = await failureOf(client.all('/lag'))
  assert.equal(exit, 'unreachable')
  assert.match(diagnostic.hint ?? '', /npm install estafet@/)
})

test('who cannot be reached is named with its address, and never the token', async () => {
  const { exit, diagnostic } = await failureOf(free.get('/lag'))
  assert.equal(exit, 'unreachable')
  assert.match(diagnostic.message, /orders at http:\/\/127\.0\.0\.1:1: /)
  assert.doesNotMatch(JSON.stringify(diagnostic), /secret-token/)
  answer = (request) => void request.socket.destroy()
  assert.equal((await failureOf(client.get('/lag'))).exit, 'unreachable')
})

test('a token is shown to its address only: a redirect is not followed', async () => {
  asked = []
  says(302, '', { location: '/ops/v1/elsewhere' })
  assert.equal((await failureOf(client.get('/lag'))).exit, 'unreachable')
  assert.deepEqual(asked, [{ url: '/base/ops/v1/lag', authorization: 'Bearer secret-token' }])
})

test('lists are read page by page, and no more of them than was wanted', async () => {
  const all = Array.from({ length: 1200 }, (_, at) => ({ at }))
  answer = (request, response) => {
    const query = new URL(request.url ?? '', 'http://h').searchParams
    const from = Number(query.get('after') ?? 0)
    const to = from + Number(query.get('limit') ?? 100)
    response.end(JSON.stringify({ items: all.slice(from, to), next: to < all.length ? String(to) : null }))
  }
  assert.equal((await client.all('/list')).length, 1200)
  asked = []
  assert.deepEqual(await client.all('/list', {}, 700), all.slice(0, 700))
  assert.deepEqual(
    asked.map(({ url }) => url),
    ['/base/ops/v1/list?limit=500', '/base/ops/v1/list?limit=200&after=500'],
  )
})

test('Ctrl-C ends a request that hangs', async () => {
  const interrupted = new AbortController()
  const hanging = serviceClient(client.address, 'orders', interrupted.signal)
  answer = () => interrupted.abort()
  assert.equal((await failureOf(hanging.get('/lag'))).exit, 'interrupted')
})

test('a clock is compared to half a second and the way there', () => {
  assert.deepEqual(clockOf(10_000, 10_400, 10_600), { aheadMs: 0, exactMs: 600 })
  assert.deepEqual(clockOf(70_000, 10_400, 10_600), { aheadMs: 60_000, exactMs: 600 })
  assert.equal(clockOf(null, 1, 2), null)
})
