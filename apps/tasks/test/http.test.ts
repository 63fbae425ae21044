import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sign } from 'hono/jwt'
import * as z from 'zod'
import { type Member, startTeam, type Team } from './team.ts'

describe('the HTTP interface of team tasks', () => {
  let team: Team
  let member: Member
  before(async () => {
    team = await startTeam({ EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' })
    member = await team.member()
  })
  after(() => team?.stop())

  const count = async (service: string, table: string) =>
    (await team.sql(service, `SELECT count(*)::int AS n FROM ${table}`))[0]?.['n']
  const messages = async (service: string) => count(service, 'estafet.outbox')
  const written = async () => [
    await count('tasks', 'task'),
    await count('auth', 'account'),
    await messages('tasks'),
    await messages('auth'),
  ]

  const account = () => ({ email: `${randomUUID()}@example.com`, name: 'A', password: 'long enough for us' })
  const bad: readonly (readonly [
    string,
    string,
    string,
    number,
    readonly string[],
    unknown,
    Record<string, string>?,
  ])[] = [
    ['no fields', 'POST', '/api/tasks/', 422, ['title'], {}],
    ['an empty title', 'POST', '/api/tasks/', 422, ['title'], { title: '  ' }],
    ['a long title', 'POST', '/api/tasks/', 422, ['title'], { title: 'x'.repeat(201) }],
    ['a title with NUL', 'POST', '/api/tasks/', 422, ['title'], { title: 'a\u0000b' }],
    ['half a surrogate pair', 'POST', '/api/tasks/', 422, ['title'], '{"title": "\\ud800"}'],
    [
      'a worker without an id',
      'POST',
      '/api/tasks/',
      422,
      ['worker_ids.1'],
      { title: 'a', worker_ids: [randomUUID(), 'me'] },
    ],
    ['workers that are no list', 'POST', '/api/tasks/', 422, ['worker_ids'], { title: 'a', worker_ids: 'me' }],
    ['an unknown field', 'POST', '/api/tasks/', 422, ['urgent'], { title: 'a', urgent: true }],
    ['no JSON', 'POST', '/api/tasks/', 400, ['(body)'], '{"title'],
    ['no object', 'POST', '/api/tasks/', 422, ['(body)'], []],
    [
      'an unfit correlation id',
      'POST',
      '/api/tasks/',
      422,
      ['x-correlation-id'],
      { title: 'a' },
      { 'x-correlation-id': 'a b' },
    ],
    [
      'an empty idempotency key',
      'POST',
      '/api/tasks/',
      422,
      ['idempotency-key'],
      { title: 'a' },
      { 'idempotency-key': '' },
    ],
    ['too much', 'POST', '/api/tasks/', 413, [], { title: 'x'.repeat(60_000) }],
    ['an id that is none', 'PATCH', '/api/tasks/7', 422, ['id'], { title: 'a' }],
    ['a change of nothing', 'PATCH', `/api/tasks/${randomUUID()}`, 422, ['(body)'], { version: 1 }],
    ['an assignment to nobody', 'POST', `/api/tasks/${randomUUID()}/assign`, 422, ['worker_ids'], { worker_ids: [] }],
    ['no such task', 'POST', `/api/tasks/${randomUUID()}/complete`, 404, [], undefined],
    ['no email', 'POST', '/api/auth/register', 422, ['email'], { ...account(), email: 'somebody' }],
    ['a short password', 'POST', '/api/auth/register', 422, ['password'], { ...account(), password: 'short' }],
    ['a role of his own', 'POST', '/api/auth/register', 422, ['role'], { ...account(), role: 'admin' }],
    [
      'an address that has an account',
      'POST',
      '/api/auth/register',
      409,
      ['email'],
      { ...account(), email: 'BOSS@example.com' },
    ],
  ]
  for (const [name, method, path, status, fields, body, headers = {}] of bad) {
    test(`${name} (${method} ${path.replace(/[0-9a-f-]{36}/, '{id}')}): ${status}, a problem document, nothing written`, async () => {
      const before = await written()
      const answer = await team.call(method, path, { token: member.token, body, headers })
      assert.deepEqual([answer.status, answer.fields], [status, fields])
      assert.deepEqual(await written(), before)
    })
  }

  test('another content type is refused', async () => {
    const headers = { 'content-type': 'text/plain' }
    const answer = await team.call('POST', '/api/tasks/', { token: member.token, body: { title: 'a' }, headers })
    assert.deepEqual([answer.status, answer.fields], [415, ['(body)']])
  })

  test('without a token, with a foreign, an expired or an unsigned one, nothing is answered', async () => {
    const exp = Math.floor(Date.now() / 1000) + 60
    const claims = { sub: member.id, role: 'admin', password_version: 1, iss: 'estafet-tasks', exp }
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const tokens = [
      await sign(claims, 'another secret', 'HS256'),
      `${none}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`,
      `${member.token.slice(0, -4)}AAAA`,
    ]
    for (const path of ['/api/tasks/', '/api/notifications', '/api/users', '/admin/dlq']) {
      const { status, headers } = await team.call('GET', path)
      assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer'])
      for (const token of tokens) assert.equal((await team.call('GET', path, { token })).status, 401)
    }
  })

  test('the secret of the tokens is for this user alone', () => {
    assert.equal(statSync(join(team.home, 'token.secret')).mode & 0o777, 0o600)
  })

  test('a wrong password and an unknown address are told in one way', async () => {
    const wrong = await team.call('POST', '/api/auth/login', {
      body: { email: member.email, password: 'not this one' },
    })
    const unknown = await team.call('POST', '/api/auth/login', { body: { email: 'nobody@example.com', password: 'x' } })
    assert.deepEqual([wrong.status, unknown.status], [401, 401])
    assert.deepEqual(wrong.body, unknown.body)
    const [row] = await team.sql('auth', 'SELECT password_hash FROM account WHERE id = $1', [member.id])
    assert.match(String(row?.['password_hash']), /^scrypt\$32768\$8\$3\$/)
  })

  test('an Idempotency-Key makes a task once, and is refused for another one', async () => {
    const headers = { 'idempotency-key': `key-${randomUUID()}` }
    const post = (title: string, token = member.token) =>
      team.call('POST', '/api/tasks/', { token, body: { title }, headers })
    const [first, again] = await Promise.all([post('once'), post('once')])
    assert.deepEqual([first.status, again.status].toSorted(), [200, 201])
    assert.deepEqual(first.body, again.body)
    const other = await post('other')
    assert.deepEqual([other.status, other.fields], [409, ['idempotency-key']])
    // Somebody else's key is his own.
    assert.equal((await post('once', team.admin.token)).status, 201)
  })

  test('who changes what was changed since he read it is told so', async () => {
    const id = await team.task(member, 'First')
    const change = (title: string) =>
      team.call('PATCH', `/api/tasks/${id}`, { token: member.token, body: { title, version: 1 } })
    const [one, two] = await Promise.all([change('Second'), change('Third')])
    assert.deepEqual([one.status, two.status].toSorted(), [200, 409])
    assert.deepEqual([...one.fields, ...two.fields], ['version'])
  })

  test('a task is for its creator, its workers and administrators', async () => {
    const [worker, stranger] = [await team.member(), await team.member()]
    const id = await team.task(member, 'Between us', [worker])
    const status = async (by: Member, method: string, path: string, body?: unknown) =>
      (await team.call(method, `/api/tasks/${id}${path}`, { token: by.token, ...(body === undefined ? {} : { body }) }))
        .status
    assert.deepEqual(
      [await status(worker, 'GET', ''), await status(stranger, 'GET', ''), await status(team.admin, 'GET', '')],
      [200, 404, 200],
    )
    assert.deepEqual(
      [await status(worker, 'PATCH', '', { title: 'Mine' }), await status(stranger, 'PATCH', '', { title: 'Mine' })],
      [403, 404],
    )
    assert.equal(await status(worker, 'DELETE', ''), 403)
    assert.equal(await status(stranger, 'POST', '/complete'), 404)
    const listed = async (by: Member) =>
      JSON.stringify((await team.call('GET', '/api/tasks', { token: by.token })).body)
    assert.ok((await listed(worker)).includes(id))
    assert.ok(!(await listed(stranger)).includes(id))
  })

  test('lists go by pages', async () => {
    const owner = await team.member()
    for (const title of ['a', 'b', 'c']) await team.task(owner, title)
    const view = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullable() })
    const seen: string[] = []
    for (let after = ''; ; ) {
      const { body } = await team.call('GET', `/api/tasks/?limit=2${after}`, { token: owner.token })
      const { items, next } = view.parse(body)
      seen.push(...items.map(({ id }) => id))
      if (next === null) break
      after = `&after=${next}`
    }
    assert.equal(new Set(seen).size, 3)
  })

  test('the last administrator can neither leave nor become a member; a member makes himself none', async () => {
    const { admin } = team
    const leave = await team.call('DELETE', `/api/users/${admin.id}`, { token: admin.token })
    const body = { role: 'member' }
    const demote = await team.call('PATCH', `/api/users/${admin.id}`, { token: admin.token, body })
    assert.deepEqual([leave.status, demote.status, demote.fields], [409, 409, ['role']])
    const rise = await team.call('PATCH', `/api/users/${member.id}`, { token: member.token, body: { role: 'admin' } })
    assert.deepEqual([rise.status, rise.fields], [403, ['role']])
    assert.equal((await team.call('GET', `/api/users/${admin.id}`, { token: member.token })).status, 404)
    assert.equal((await team.call('GET', '/api/users', { token: member.token })).status, 403)
    assert.equal((await team.call('GET', '/api/users', { token: admin.token })).status, 200)
  })

  test('what an administrator may do ends with the role and with the account, whatever the token says', async () => {
    const former = await team.member()
    const become = async (role: string) =>
      team.call('PATCH', `/api/users/${former.id}`, { token: team.admin.token, body: { role } })
    await become('admin')
    const answer = await team.call('POST', '/api/auth/login', {
      body: { email: former.email, password: 'a password of some length' },
    })
    const { access_token: token } = z.object({ access_token: z.string() }).parse(answer.body)
    const paths = ['/api/users', '/admin/dlq', '/api/analytics/task-events']
    const statuses = async () =>
      Promise.all(paths.map(async (path) => (await team.call('GET', path, { token })).status))
    assert.deepEqual(await statuses(), [200, 200, 200])
    await become('member')
    assert.deepEqual(await statuses(), [403, 403, 403])
    const rise = await team.call('PATCH', `/api/users/${former.id}`, { token, body: { role: 'admin' } })
    assert.deepEqual([rise.status, rise.fields], [403, ['role']])
    await team.call('DELETE', `/api/users/${former.id}`, { token: team.admin.token })
    assert.deepEqual(await statuses(), [401, 401, 401])
  })

  test('who was an administrator sees and changes tasks of others no more, whatever the token says', async () => {
    const former = await team.member()
    const become = async (role: string) =>
      team.call('PATCH', `/api/users/${former.id}`, { token: team.admin.token, body: { role } })
    await become('admin')
    const answer = await team.call('POST', '/api/auth/login', {
      body: { email: former.email, password: 'a password of some length' },
    })
    const { access_token: token } = z.object({ access_token: z.string() }).parse(answer.body)
    const id = await team.task(member, 'Of somebody else')
    const read = async () => (await team.call('GET', `/api/tasks/${id}`, { token })).status
    const change = async () =>
      (await team.call('PATCH', `/api/tasks/${id}`, { token, body: { title: 'Changed' } })).status
    const listed = async () => z.object({ items: z.array(z.unknown()) }).parse(await all()).items.length
    const all = async () => (await team.call('GET', '/api/tasks/', { token })).body
    assert.deepEqual([await read(), await change()], [200, 200])
    assert.ok((await listed()) > 0)
    await become('member')
    assert.deepEqual([await read(), await change(), await listed()], [404, 404, 0])
  })

  test('a page of dead letters begins where a page ended, and nowhere else', async () => {
    const after = (id: string) => team.call('GET', `/admin/dlq?after=${id}`, { token: team.admin.token })
    assert.equal((await after('notifications-1')).status, 200)
    for (const unknown of ['elsewhere-1', randomUUID()]) {
      const answer = await after(unknown)
      assert.deepEqual([answer.status, answer.fields], [422, ['after']])
    }
  })

  test('it serves its OpenAPI document and its health, and knows nothing else', async () => {
    const document = z.object({ paths: z.record(z.string(), z.unknown()) })
    const { paths } = document.parse((await team.call('GET', '/openapi.json')).body)
    for (const path of ['/api/tasks/', '/api/auth/register', '/api/notifications', '/admin/dlq', '/admin/replay']) {
      assert.ok(path in paths, path)
    }
    assert.equal((await team.call('GET', '/health/ready')).status, 200)
    assert.equal((await team.call('GET', '/nothing')).status, 404)
  })
})
