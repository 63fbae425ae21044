import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { limit } from '../auth/limit.ts'
import { NoTurn, turns } from '../auth/turns.ts'
import { type Answer, startTeam, type Team } from './team.ts'

test('a limit lets so many through at once, then as many in a minute, each name for itself', () => {
  let now = 5_000
  const { take } = limit(3, () => now)
  const times = (key: string, count: number) => Array.from({ length: count }, () => take(key))
  assert.deepEqual(times('a', 5), [0, 0, 0, 20, 20])
  assert.deepEqual(times('b', 3), [0, 0, 0])
  now += 19_500
  assert.deepEqual(times('a', 2), [1, 1])
  now += 500
  assert.deepEqual(times('a', 2), [0, 20])
  now += 3_600_000
  assert.deepEqual(times('a', 4), [0, 0, 0, 20])
})

test('a limit forgets whom it need not know, and no other', () => {
  let now = 0
  const { take } = limit(1, () => now)
  assert.deepEqual([take('early'), take('early')], [0, 60])
  now += 30_000
  for (let n = 0; n < 5_000; n++) assert.equal(take(`name-${n}`), 0)
  assert.deepEqual([take('early'), take('name-0'), take('name-4999')], [30, 60, 60])
})

test('work waits for its turn in order; what finds too many waiting is refused, and one that fails holds nobody up', async () => {
  const inTurn = turns({ atOnce: 2, waiting: 2 })
  const begun: number[] = []
  const ends: ((how: 'well' | 'badly') => void)[] = []
  const work = (n: number) =>
    inTurn(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(n)
          ends[n] = (how) => (how === 'well' ? resolve(n) : reject(new Error('failed')))
        }),
    )
  const all = [0, 1, 2, 3].map((n) => work(n).catch((error: Error) => error.message))
  await assert.rejects(work(4), NoTurn)
  assert.deepEqual(begun, [0, 1])
  ends[1]?.('badly')
  assert.equal(await all[1], 'failed')
  assert.deepEqual(begun, [0, 1, 2])
  ends[0]?.('well')
  ends[2]?.('well')
  await Promise.all([all[0], all[2]])
  ends[3]?.('well')
  assert.deepEqual(await Promise.all(all), [0, 'failed', 2, 3])
  const last = work(5)
  ends[5]?.('well')
  assert.equal(await last, 5)
})

describe('signing in to team tasks', () => {
  let team: Team
  before(async () => {
    team = await startTeam({ EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres', SIGN_INS_PER_MINUTE: '40' })
  })
  after(() => team?.stop())

  /** All at once, so that no time passes in which they may be more. */
  const logins = (emails: readonly string[]) =>
    Promise.all(
      emails.map((email) => team.call('POST', '/api/auth/login', { body: { email, password: 'not this one' } })),
    )
  const refusedOf = (answers: readonly Answer[]) => {
    const refused = answers.filter(({ status }) => status === 429)
    for (const { headers } of refused) assert.match(headers.get('retry-after') ?? '', /^[1-9]\d?$/)
    assert.ok(answers.every(({ status }) => status === 401 || status === 429))
    return refused.length
  }

  test('passwords are tried 10 times in a minute for one e-mail address, whoever tries', async () => {
    const refused = refusedOf(await logins(Array.from({ length: 15 }, () => 'one@example.com')))
    assert.ok(refused > 0 && refused <= 5, `${refused} of 15`)
    assert.equal(refusedOf(await logins(['somebody@example.com'])), 0)
  })

  test('and so many times from one network address, whatever the e-mail address; registering counts, too', async () => {
    const emails = Array.from({ length: 40 }, () => `${randomUUID()}@example.com`)
    const refused = refusedOf(await logins(emails))
    assert.ok(refused > 0 && refused < 40, `${refused} of 40`)
    const registrations = await Promise.all(
      emails.map((email) =>
        team.call('POST', '/api/auth/register', { body: { email, name: 'A', password: 'long enough for us' } }),
      ),
    )
    assert.ok(registrations.some(({ status }) => status === 429))
    // Who is signed in already is not meant.
    assert.equal((await team.call('GET', '/api/tasks/', { token: team.admin.token })).status, 200)
  })
})
