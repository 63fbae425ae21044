import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { migrate, type PostgresStreams, postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { logger } from '../event-sourcing/projection-system.ts'
import { created, NamesGiven, PageSeen, UserV1, UserV2 } from '../unit/event-sourcing/user.ts'
import { type Ended, envelopeOf, estafet } from './child.ts'

const at = (path: string): string => JSON.stringify(import.meta.resolve(path))
const moduleOf = (more = ''): string => `import { userCopy } from ${at('../unit/event-sourcing/user.ts')}
export default userCopy({ ${more} })
`

describe('streams copy', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'estafet-copy-'))
  let server: PostgresServer
  let pool: pg.Pool
  let streams: PostgresStreams
  let database = ''
  let databases = 0
  const cli = (line: string, more: Parameters<typeof estafet>[1] = {}): Promise<Ended> =>
    estafet(line, { cwd, env: { ESTAFET_DATABASE_URL: server.url(database, 'owner', 'of-users') }, ...more })
  const define = (text: string, file = 'copy.ts'): void => writeFileSync(join(cwd, file), text)

  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
  })
  after(async () => {
    await pool.end()
    await server.stop()
    rmSync(cwd, { recursive: true, force: true })
  })

  async function begin(): Promise<void> {
    await pool?.end()
    database = `users_${databases++}`
    await provisionDatabase(server.adminUrl, { database, owner: { name: 'owner', password: 'of-users' }, logins: [] })
    const config: pg.PoolConfig & { pipeline: boolean } = {
      connectionString: server.url(database, 'owner', 'of-users'),
      pipeline: true,
    }
    pool = new pg.Pool(config)
    pool.on('error', () => {})
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    streams = postgresStreams(pool, { service: 'users', logger })
    await streams.handle(UserV1, 'u-1', [created('u-1'), NamesGiven({ names: ['Ada', 'Bea'] })])
    await streams.handle(UserV1, 'u-2', [created('u-2'), PageSeen({ page: 'home' })])
    define(moduleOf())
  }

  test('shows what would come of it, asks, copies, goes on, closes and verifies', async () => {
    await begin()
    const preview = await cli('estafet streams copy --dry-run')
    assert.deepEqual([preview.code, preview.err], [0, ''])
    assert.match(preview.out, /^dropped +PageSeen 1$/m)
    assert.match(preview.out, /Next: estafet streams copy --module copy\.ts copies them/)
    const refused = await cli('estafet streams copy')
    assert.equal(refused.code, 6)
    assert.match(refused.out, /2 streams of user with 4 events would be copied to user-v2/)
    assert.equal((await streams.load(UserV2, 'u-1')).version, 0, 'nothing is written without --yes')

    const copied = await cli('estafet streams copy --yes')
    assert.deepEqual([copied.code, copied.err], [0, ''])
    assert.match(copied.out, /^written +4 copies$/m)
    assert.match(copied.out, /2 streams of user are open.*estafet streams copy --module copy\.ts --close/)
    await streams.handle(UserV1, 'u-2', [NamesGiven({ names: ['Cy'] })])
    const behind = await cli('estafet streams copy --verify-only')
    assert.equal(behind.code, 1)
    assert.match(behind.err, /COPY_BEHIND: user u-2: the copy ends before event 3\./)
    assert.match(behind.out, /Not copied to the end: 1 of 2 streams/)

    const closed = await cli('estafet streams copy --close --yes --json')
    assert.equal(closed.code, 0, closed.out)
    assert.deepEqual(envelopeOf(closed).data, {
      ...{ from: 'user', to: 'user-v2' },
      copied: { streams: 2, copies: 1, closed: 2, faults: [], isStopped: false },
      verified: {
        ...{ streams: 2, closed: 2, events: 5, copies: 5, dropped: { PageSeen: 1 }, behind: 0, different: 0 },
        ...{ differences: [], isStopped: false },
      },
    })
    await assert.rejects(streams.handle(UserV1, 'u-1', [PageSeen({ page: 'x' })]), /user-v2\/u-1/)
    const verified = await cli('estafet streams copy --verify-only')
    assert.deepEqual([verified.code, verified.err], [0, ''])
    assert.match(verified.out, /every stream of user is closed: what counts from now on is user-v2\.$/m)
  })

  test('names the first difference of each stream, with 1, and nothing of what they hold', async () => {
    await begin()
    assert.equal((await cli('estafet streams copy --yes')).code, 0)
    define(moduleOf(
      `transform: (event) => event.type === 'UserCreated' ? { ...event, version: 2, data: { ...event.data, age: 7 } } : []`,
    ))
    const { code, err, out } = await cli('estafet streams copy --verify-only')
    assert.equal(code, 1)
    assert.match(err, /COPY_DIFFERS: user u-1, version 1 of its copy: its data differs at \/age\.\n/)
    assert.match(out, /Wrong copies: 2 of 2 streams/)
    assert.doesNotMatch(`${out}${err}`, /name of|example\.org/)
    define(moduleOf(`transform(event) { if (event.streamId === 'u-2') throw new TypeError('secret'); return event }`))
    await streams.handle(UserV1, 'u-2', [NamesGiven({ names: ['Cy'] })])
    const foreseen = await cli('estafet streams copy --dry-run')
    assert.equal(foreseen.code, 1)
    const refused = await cli('estafet streams copy --yes')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /COPY_REFUSED: user u-2 at event 2: the transformation threw TypeError\./)
    assert.doesNotMatch(`${foreseen.err}${refused.err}`, /secret/)
  })

  test('is ended by Ctrl-C in good order, and goes on where it was', async () => {
    await begin()
    for (let n = 0; n < 40; n++) {
      await streams.handle(
        UserV1,
        `many-${n}`,
        Array.from({ length: 400 }, () => NamesGiven({ names: ['a'] })),
      )
    }
    define(`console.log('begun')\n${moduleOf()}`)
    const ended = await cli('estafet streams copy --yes', { interruptAfter: /begun/ })
    assert.ok(ended.code === 130 || ended.code === 0, ended.err)
    define(moduleOf())
    assert.equal((await cli('estafet streams copy --yes')).code, 0)
    assert.equal((await streams.load(UserV2, 'many-39')).version, 400)
  })

  test('says what is missing or wrong with the line and the module', async () => {
    await begin()
    const cases: readonly (readonly [line: string, code: number, err: RegExp])[] = [
      ['estafet streams copy --module nowhere.ts', 4, /There is no module nowhere\.ts/],
      ['estafet streams copy --dry-run --verify-only', 2, /not both/],
      ['estafet streams copy --verify-only --close', 2, /--close writes/],
      ['estafet streams copy --module none.ts', 2, /exports no copy/],
      ['estafet streams copy --module two.ts', 2, /exports 2 copies/],
      ['estafet streams copy --module other.ts --yes', 4, /no stream of client/],
      ['estafet streams copy --module same.ts', 2, /MISCONFIGURED: The copy is misdefined/],
    ]
    define('export const copy = 1', 'none.ts')
    define(`${moduleOf()}export const other = userCopy({ stream: (id) => 'x' + id })`, 'two.ts')
    define(moduleOf(`from: 'client', states: undefined`), 'other.ts')
    define(moduleOf(`from: 'user-v2'`), 'same.ts')
    for (const [line, code, err] of cases) {
      const ended = await cli(line)
      assert.equal(ended.code, code, `${line} ${ended.err}`)
      assert.match(ended.err, err)
    }
  })
})
