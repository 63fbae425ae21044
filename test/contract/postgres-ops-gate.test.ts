import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { service } from 'estafet'
import { type Role, roles, type ServedOps, serveOps } from 'estafet/ops'
import type { Sql } from 'estafet/postgres'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { names } from '../../src/ops/match.ts'
import { isAtLeast } from '../../src/ops/role.ts'
import type { Route } from '../../src/ops/route.ts'
import { routes } from '../../src/ops/routes.ts'
import { type ParkedWorld, parkedServer, subscription } from '../ops/parked-world.ts'
import { type Asking, ask, served, silent, tokenOf } from '../ops/served.ts'

const [binaries] = allPostgres()

describe('the gate of the ops API', { skip: binaries === undefined ? 'no PostgreSQL' : false }, () => {
  let server: Awaited<ReturnType<typeof parkedServer>>
  let world: ParkedWorld
  let api: ServedOps
  before(async () => {
    assert.ok(binaries !== undefined)
    server = await parkedServer(binaries)
    world = await server.fresh()
    await world.parkDead(2)
    api = await served(world)
  })
  after(async () => {
    await api.close()
    await server.stop()
  })

  const pathOf = ({ path }: Route): string => path.replace('{number}', '1').replace('{feed}', 'log:orders')
  // What can be asked of each without being done: a wrong parameter is found after the gate and before the work.
  const harmless: Asking = { body: { nonsense: 1 } }
  const done = async (): Promise<unknown> => {
    const { rows } = await world.pool.query(`SELECT (SELECT count(*) FROM estafet.audit) AS audit,
      (SELECT count(*) FROM estafet.redrive) AS jobs, (SELECT count(*) FROM estafet.outbox_messages) AS published,
      (SELECT string_agg(state, ',') FROM estafet.parked_message) AS states`)
    return rows
  }
  const code = (body: unknown): unknown =>
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    typeof body.error === 'object' &&
    body.error !== null
      ? Reflect.get(body.error, 'code')
      : null

  for (const name of names()) {
    const route: Route = routes[name]
    const how = route.method === 'POST' ? harmless : {}
    const send = (more: Asking) => ask(api.url, route.method, pathOf(route), { ...how, ...more })

    test(`${route.method} ${route.path} is for ${route.role} and above, and by no other way in`, async () => {
      const before = await done()
      for (const role of roles) {
        const { status, body } = await send({ token: tokenOf(role) })
        if (isAtLeast(role, route.role))
          assert.ok(![401, 403, 404, 405].includes(status) || code(body) === 'NOT_FOUND', `${role} ${status}`)
        else assert.deepEqual([status, code(body)], [403, 'FORBIDDEN'], role)
      }
      const refused: readonly (readonly [string, Asking, number, string])[] = [
        ['no token', { token: null }, 401, 'UNAUTHENTICATED'],
        ['wrong token', { token: `${tokenOf('admin')}x` }, 401, 'UNAUTHENTICATED'],
        [
          'token in a cookie',
          { token: null, headers: { cookie: `token=${tokenOf('admin')}` } },
          401,
          'UNAUTHENTICATED',
        ],
        [
          'another scheme',
          { token: null, headers: { authorization: `Basic ${tokenOf('admin')}` } },
          401,
          'UNAUTHENTICATED',
        ],
        ['foreign origin', { headers: { origin: 'https://evil.example' } }, 403, 'FORBIDDEN'],
        ['no origin of its own', { headers: { origin: 'null' } }, 403, 'FORBIDDEN'],
        ['its origin at another port', { headers: { origin: 'http://127.0.0.1:1' } }, 403, 'FORBIDDEN'],
        ['foreign host', { headers: { host: 'evil.example' } }, 403, 'FORBIDDEN'],
        ['host that looks like ours', { headers: { host: '127.0.0.1.evil.example' } }, 403, 'FORBIDDEN'],
      ]
      for (const [what, more, status, expected] of refused) {
        const answer = await send(more)
        assert.deepEqual([answer.status, code(answer.body)], [status, expected], what)
      }
      const own = await send({ headers: { origin: new URL(api.url).origin } })
      assert.ok(![401, 403].includes(own.status))
      if (route.method === 'POST') {
        const body = JSON.stringify({ reason: 'x'.repeat(route.maxBytes ?? 1_048_576) })
        const large = await send({ body })
        assert.deepEqual([large.status, code(large.body)], [413, 'TOO_LARGE'])
        const form = await send({ body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } })
        assert.deepEqual([form.status, code(form.body)], [415, 'NOT_JSON'])
      }
      const other = await ask(api.url, route.method === 'GET' ? 'DELETE' : 'PUT', pathOf(route), {})
      assert.deepEqual([other.status, code(other.body)], [405, 'WRONG_METHOD'])
      assert.deepEqual(await done(), before)
    })
  }

  test('refuses for want of a role before it looks at anything', async () => {
    const path = '/dead-letters/999/edit'
    const { status, text } = await ask(api.url, 'POST', path, { token: tokenOf('view'), body: '{{{' })
    assert.equal(status, 403)
    assert.doesNotMatch(text, /999/)
  })

  test('counts a body that tells no length, and ends what is too large', async () => {
    const { hostname, port } = new URL(api.url)
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.write(
      `POST /ops/v1/redrives HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${tokenOf('admin')}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    )
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`
    for (let sent = 0; sent < 40 && !socket.destroyed && answer === ''; sent++) {
      await new Promise((resolve) => socket.write(chunk, resolve))
    }
    await closed
    assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*TOO_LARGE/)
  })

  test('knows no path that is not in the table', async () => {
    for (const path of ['', '/', '/manifest/', '/dead-letters/1/../groups/x', '/%2e%2e/x', '/Manifest']) {
      const { status } = await ask(api.url, 'GET', path)
      assert.equal(status, 404, path)
    }
    const { origin } = new URL(api.url)
    assert.equal((await ask(origin, 'GET', '/manifest')).status, 404)
    assert.equal((await ask(origin, 'GET', '/', { token: null })).status, 401)
  })

  test('lets a token ask only so often, and nobody guess', async () => {
    const billing = service<Sql>(subscription, {})
    const running = {
      ...{ subscription, feeds: [], parked: () => ({}), stop: async () => {} },
      health: () => ({ live: true, ready: true, stalled: [], paused: [] }),
      counters: () => ({ applied: 0, duplicates: 0, retried: 0, parked: 0 }),
    }
    const store = { ...world.store, operations: world.operations }
    const limited = await serveOps({
      ...{ service: billing, running, store, logger: silent, rate: { perSecond: 0.001, burst: 3 } },
      tokens: roles.map((role: Role) => ({ name: role, role, token: tokenOf(role) })),
    })
    try {
      const statuses = async (token: string, times: number) => {
        const found: number[] = []
        for (let time = 0; time < times; time++)
          found.push((await ask(limited.url, 'GET', '/manifest', { token })).status)
        return found
      }
      assert.deepEqual(await statuses(tokenOf('view'), 5), [200, 200, 200, 429, 429])
      // Another's is its own.
      assert.deepEqual(await statuses(tokenOf('admin'), 1), [200])
      assert.ok((await statuses('w'.repeat(40), 300)).includes(429))
      assert.deepEqual(await statuses(tokenOf('admin'), 1), [200], 'guesses of others take nothing from it')
    } finally {
      await limited.close()
    }
  })

  test('will not listen for strangers with a token that nobody configured, nor with weak ones', async () => {
    const options = {
      service: service<Sql>(subscription, {}),
      store: { ...world.store, operations: world.operations },
      running: {
        ...{ subscription, feeds: [], parked: () => ({}), stop: async () => {} },
        health: () => ({ live: true, ready: true, stalled: [], paused: [] }),
        counters: () => ({ applied: 0, duplicates: 0, retried: 0, parked: 0 }),
      },
      logger: silent,
    }
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org', '']) {
      await assert.rejects(serveOps({ ...options, host }), { code: 'MISCONFIGURED' }, host)
    }
    const strong = { name: 'a', role: 'view', token: 'a'.repeat(32) } as const
    for (const tokens of [[], [{ ...strong, token: 'short' }], [strong, strong], [{ ...strong, name: '' }]]) {
      await assert.rejects(serveOps({ ...options, tokens }), { code: 'MISCONFIGURED' })
    }
    await assert.rejects(serveOps({ ...options, tokens: [strong], hosts: ['a b'] }), { code: 'MISCONFIGURED' })
    const open = await serveOps({ ...options, host: '0.0.0.0', tokens: [strong] })
    assert.equal(open.token, null)
    await open.close()
    const own = await serveOps(options)
    assert.ok(own.token !== null && own.token.length > 40)
    assert.equal((await ask(own.url, 'GET', '/manifest', { token: own.token })).status, 200)
    await Promise.all([own.close(), own.close()])
    const taken = await serveOps(options)
    await assert.rejects(serveOps({ ...options, port: Number(new URL(taken.url).port) }), { code: 'UNAVAILABLE' })
    await taken.close()
  })
})
