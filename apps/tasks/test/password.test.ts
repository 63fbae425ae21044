import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as z from 'zod'
import { type Member, startTeam, type Team } from './team.ts'

describe('another password of an account of team tasks', () => {
  const old = 'a password of some length'
  const fresh = 'another one of some length'
  let team: Team
  before(async () => {
    team = await startTeam({ EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' })
  })
  after(() => team?.stop())

  const change = (of: Member, body: object, token = of.token) =>
    team.call('PATCH', `/api/users/${of.id}`, { token, body })
  const login = async ({ email }: Member, password: string) =>
    await team.call('POST', '/api/auth/login', { body: { email, password } })
  const statuses = async (of: Member, token = of.token) =>
    Promise.all(
      ['/api/tasks/', '/api/notifications', `/api/users/${of.id}`].map(
        async (path) => (await team.call('GET', path, { token })).status,
      ),
    )

  test('is refused without the one before, or with a wrong one', async () => {
    const member = await team.member()
    const without = await change(member, { password: fresh })
    assert.deepEqual([without.status, without.fields], [422, ['current_password']])
    const wrong = await change(member, { password: fresh, current_password: 'not this one' })
    assert.deepEqual([wrong.status, wrong.fields], [403, ['current_password']])
    assert.deepEqual([(await login(member, old)).status, (await login(member, fresh)).status], [200, 401])
    const nothing = await change(member, { current_password: old })
    assert.deepEqual([nothing.status, nothing.fields], [422, ['(body)']])
  })

  test('ends every token from before, in all services at once, and no other', async () => {
    const [member, other] = [await team.member(), await team.member()]
    assert.deepEqual(await statuses(member), [200, 200, 200])
    assert.equal((await change(member, { password: fresh, current_password: old })).status, 200)
    assert.deepEqual(await statuses(member), [401, 401, 401])
    assert.equal((await login(member, old)).status, 401)
    const { body } = await login(member, fresh)
    const { access_token: token } = z.object({ access_token: z.string() }).parse(body)
    assert.deepEqual(await statuses(member, token), [200, 200, 200])
    assert.deepEqual(await statuses(other), [200, 200, 200])
    // Another name is no reason to sign in again.
    assert.equal((await change(member, { name: 'Renamed' }, token)).status, 200)
    assert.deepEqual(await statuses(member, token), [200, 200, 200])
  })

  test('by an administrator needs that of the administrator', async () => {
    const member = await team.member()
    const body = { password: fresh, current_password: old }
    const refused = await change(member, body, team.admin.token)
    assert.deepEqual([refused.status, refused.fields], [403, ['current_password']])
    const done = await change(member, { ...body, current_password: 'correct horse battery' }, team.admin.token)
    assert.equal(done.status, 200)
    assert.deepEqual(await statuses(member), [401, 401, 401])
    assert.deepEqual(await statuses(member, team.admin.token), [200, 200, 200])
  })
})
