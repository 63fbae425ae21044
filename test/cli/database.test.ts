import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { postgresStreams } from 'estafet/postgres'
import pg from 'pg'
import { allPostgres } from '../../engines/postgres/binaries.ts'
import { provisionDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { commands } from '../../src/cli/commands.ts'
import { databaseChecks } from '../../src/cli/doctor-database.ts'
import { migrations } from '../../src/drivers/postgres/migration-files.ts'
import { created, UserV1 } from '../unit/event-sourcing/user.ts'
import { type Ended, envelopeOf, estafet } from './child.ts'

const owner = { name: 'orders_owner', password: 'secret-of-the-owner' }
const logins = ['orders', 'billing'].map((name) => ({ name, password: 'b' }))
const copyModule = `export { copy } from ${JSON.stringify(import.meta.resolve('../unit/event-sourcing/user.ts'))}`
const names = migrations().map(({ name }) => name)

for (const binaries of allPostgres()) {
  describe(`the commands that reach a database, on ${binaries.name}`, () => {
    const cwd = mkdtempSync(join(tmpdir(), 'estafet-cli-'))
    let server: PostgresServer
    const url = (database: string): string => server.url(database, owner.name, owner.password)
    const cli = (line: string, database = 'orders'): Promise<Ended> =>
      estafet(line, { cwd, env: { ESTAFET_DATABASE_URL: url(database) } })
    const sql = async (text: string, address = url('orders')): Promise<Record<string, unknown>[]> => {
      const client = new pg.Client({ connectionString: address })
      await client.connect()
      try {
        return (await client.query(text)).rows
      } finally {
        await client.end()
      }
    }
    const asAdmin = (text: string): Promise<unknown> => sql(text, server.adminUrl.replace(/postgres$/, 'orders'))
    const checks = async (line = 'estafet doctor --database-only --json'): Promise<Record<string, string>> => {
      const { data } = envelopeOf(await cli(line))
      assert.ok(typeof data === 'object' && data !== null && 'checks' in data && Array.isArray(data.checks))
      return Object.fromEntries(
        data.checks.map((each: { name: string; state: string; fix: string | null }) => [
          each.name,
          each.fix === null ? each.state : `${each.state}: ${each.fix}`,
        ]),
      )
    }

    before(async () => {
      server = await temporaryPostgres({ binaries })
      await provisionDatabase(server.adminUrl, { database: 'orders', owner, logins })
    })
    after(async () => {
      await server.stop()
      rmSync(cwd, { recursive: true, force: true })
    })

    test('an empty database lacks everything: status says so with 1, plan prints the SQL, and neither changes it', async () => {
      const status = await cli('estafet migrate status')
      assert.equal(status.code, 1)
      for (const name of names) assert.match(status.out, new RegExp(`^${name} +missing`, 'm'))
      assert.match(status.err, /estafet migrate up applies it/)
      const plan = await cli('estafet migrate plan')
      assert.equal(plan.code, 0)
      assert.match(plan.out, /^CREATE TABLE estafet\.outbox \($/m)
      assert.deepEqual(
        await sql(`SELECT to_regnamespace('estafet') AS it, to_regnamespace('estafet_migrations') AS books`),
        [{ it: null, books: null }],
      )
    })

    test('what needs the log says that migrations are missing', async () => {
      const { code, err } = await cli('estafet log new-epoch --yes')
      assert.equal(code, 4)
      assert.match(err, /estafet migrate up/)
      assert.match((await checks())['migrations'] ?? '', /^fail: estafet migrate up$/)
    })

    test('up applies what is missing, once, and gives roles their access', async () => {
      const both = await Promise.all([1, 2].map(() => cli('estafet migrate up --json')))
      assert.deepEqual(
        both.map(({ code }) => code),
        [0, 0],
      )
      const applied = both.map((each) => envelopeOf(each).data)
      assert.deepEqual(
        applied.toSorted((a, b) => JSON.stringify(b).length - JSON.stringify(a).length),
        [{ applied: names }, { applied: [] }],
      )
      const { code, out } = await cli('estafet migrate up --service-role orders --reader-role billing')
      assert.deepEqual({ code, out }, { code: 0, out: 'Nothing was missing.\n' })
      const member = `SELECT pg_has_role('orders', estafet.role_name('publisher'), 'MEMBER') AS service,
        pg_has_role('billing', estafet.role_name('reader'), 'MEMBER') AS reader,
        pg_has_role('billing', estafet.role_name('publisher'), 'MEMBER') AS too_much`
      assert.deepEqual(await sql(member), [{ service: true, reader: true, too_much: false }])
    })

    test('the SQL that plan printed makes the same schema', async () => {
      await provisionDatabase(server.adminUrl, { database: 'planned', owner, logins })
      const plan = await cli('estafet migrate plan', 'planned')
      await sql(plan.out, url('planned'))
      const columnsText = `SELECT table_name, column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'estafet' ORDER BY 1, 2`
      assert.deepEqual(await sql(columnsText, url('planned')), await sql(columnsText))
    })

    test('a database that is as it should be passes: status, plan and doctor', async () => {
      const status = await cli('estafet migrate status')
      assert.deepEqual({ code: status.code, err: status.err }, { code: 0, err: '' })
      assert.equal((await cli('estafet migrate plan')).out, '-- Nothing is missing.\n')
      const states = Object.values(await checks())
      assert.ok(states.length >= 8)
      assert.deepEqual([...new Set(states)], ['ok'])
    })

    test('drift, an edited migration and one of a later version are named, with 1', async () => {
      const status = async (): Promise<Ended> => cli('estafet migrate status')
      await sql('ALTER TABLE estafet.outbox ADD COLUMN extra int')
      const drifted = await status()
      assert.equal(drifted.code, 1)
      assert.match(drifted.err, /SCHEMA_DRIFT: .*outbox\.extra was added/)
      assert.match((await checks())['drift'] ?? '', /^fail: estafet migrate status/)
      const up = await cli('estafet migrate up')
      assert.equal(up.code, 6)
      assert.match(up.err, /SCHEMA_DRIFT/)
      await sql('ALTER TABLE estafet.outbox DROP COLUMN extra')
      await sql(`UPDATE estafet_migrations.migration SET checksum = reverse(checksum) WHERE number = 2`)
      const changed = await status()
      assert.equal(changed.code, 1)
      assert.match(changed.out, /^0002-lanes +changed/m)
      await sql(`UPDATE estafet_migrations.migration SET checksum = reverse(checksum) WHERE number = 2`)
      await sql(`INSERT INTO estafet_migrations.migration (number, name, checksum) VALUES (9000, '9000-later', 'x')`)
      const later = await status()
      assert.equal(later.code, 1)
      assert.match(later.err, /9000-later/)
      await sql(`DELETE FROM estafet_migrations.migration WHERE number = 9000`)
      assert.equal((await status()).code, 0)
    })

    test('doctor finds what loses messages, and the fix it names is the fix', async () => {
      const broken: readonly (readonly [string, string])[] = [
        ['sequence', 'ALTER SEQUENCE estafet.outbox_position CACHE 20'],
        ['synchronous_commit', 'ALTER DATABASE orders SET synchronous_commit = off'],
        ['synchronous_commit', 'ALTER ROLE orders SET synchronous_commit = off'],
        ['synchronous_commit', 'ALTER ROLE orders IN DATABASE orders SET synchronous_commit = off'],
      ]
      for (const [name, text] of broken) {
        await asAdmin(text)
        const { [name]: found = '' } = await checks()
        assert.match(found, /^fail: ALTER /, text)
        for (const fix of found.slice('fail: '.length).split('; ')) await asAdmin(fix)
        assert.equal((await checks())[name], 'ok', text)
      }
    })

    test('doctor names a prepared transaction that holds the log, and how to end it', async () => {
      const text = `BEGIN; SELECT estafet.publish(ARRAY[gen_random_uuid()], ARRAY['a.b'], ARRAY[1::smallint], ARRAY['a'],
        ARRAY['k'], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY['1'], false); PREPARE TRANSACTION 'it''s old'`
      await sql(`BEGIN; SELECT 1 FROM estafet.epoch; PREPARE TRANSACTION 'harmless'`)
      assert.equal((await checks())['prepared'], 'ok')
      await sql(text)
      const found = (await checks())['prepared'] ?? ''
      assert.match(found, /^fail: COMMIT PREPARED 'it''s old';/)
      await sql(found.slice('fail: '.length))
      await sql(`ROLLBACK PREPARED 'harmless'`)
      assert.equal((await checks())['prepared'], 'ok')
    })

    test('doctor names an old transaction, first one that published and so holds readers up', async () => {
      const [old, looking] = [
        new pg.Client({ connectionString: url('orders') }),
        new pg.Client({ connectionString: url('orders') }),
      ]
      await Promise.all([old.connect(), looking.connect()])
      try {
        await old.query('BEGIN')
        const { rows } = await old.query(`SELECT pg_backend_pid() AS pid, estafet.publish(ARRAY[gen_random_uuid()],
          ARRAY['a.b'], ARRAY[1::smallint], ARRAY['a'], ARRAY['k'], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL],
          ARRAY['1'], false)`)
        const found = (await databaseChecks(looking, 0)).find(({ name }) => name === 'transactions')
        assert.equal(found?.state, 'warn')
        assert.match(found.says, /and it published: readers wait for it/)
        assert.match(found.fix ?? '', new RegExp(`SELECT pg_terminate_backend\\(${rows[0]?.pid}\\);`))
        assert.equal((await databaseChecks(looking)).find(({ name }) => name === 'transactions')?.state, 'ok')
      } finally {
        await Promise.all([old.end(), looking.end()])
      }
    })

    test('a new epoch is previewed, refused without --yes, and begun with it', async () => {
      const epoch = async (): Promise<unknown> => (await sql('SELECT epoch FROM estafet.epoch'))[0]?.['epoch']
      const before = await epoch()
      const preview = await cli('estafet log new-epoch --dry-run')
      assert.equal(preview.code, 0)
      assert.match(preview.out, new RegExp(`^epoch +${before}`))
      const refused = await cli('estafet log new-epoch')
      assert.equal(refused.code, 6)
      assert.match(refused.err, /--yes/)
      assert.equal(await epoch(), before)
      const begun = await cli('estafet log new-epoch --yes --json')
      assert.deepEqual(envelopeOf(begun).data, { epoch: await epoch(), ended: before })
      assert.notEqual(await epoch(), before)
    })

    test('a log of another timeline fails, until a new epoch is begun', async () => {
      await sql(`UPDATE estafet.epoch SET timeline = '000000FF'`)
      assert.match((await checks())['epoch'] ?? '', /^fail: .*estafet log new-epoch$/)
      assert.equal((await cli('estafet log new-epoch --yes')).code, 0)
      assert.equal((await checks())['epoch'], 'ok')
    })

    test('what cannot be reached, is not there or may not be done has its own code, and no password in it', async () => {
      const at = (address: string): Promise<Ended> =>
        estafet('estafet migrate status', { cwd, env: { ESTAFET_DATABASE_URL: address } })
      const ended = await Promise.all([
        at(url('orders').replace(/:\d+\//, ':1/')),
        at(url('nothing')),
        at(url('orders').replace(owner.password, 'secret-but-wrong')),
        at('mysql://root:secret@localhost/orders'),
        estafet('estafet migrate status', { cwd }),
        estafet('estafet migrate up', { cwd, env: { ESTAFET_DATABASE_URL: server.url('orders', 'billing', 'b') } }),
      ])
      assert.deepEqual(
        ended.map(({ code }) => code),
        [3, 4, 6, 2, 2, 6],
      )
      for (const { out, err } of ended) {
        assert.equal(out, '')
        assert.doesNotMatch(err, /secret/)
        assert.ok(err.split('\n').length >= 2, err)
      }
    })

    test('every example of these commands runs', async () => {
      const ours = commands.filter(({ reaches }) => reaches === 'database')
      assert.ok(ours.length >= 4)
      writeFileSync(join(cwd, 'copy.ts'), copyModule)
      const pool = new pg.Pool({ connectionString: url('orders') })
      await postgresStreams(pool, { service: 'orders' }).handle(UserV1, 'u-1', [created('u-1')])
      await pool.end()
      for (const { line } of ours.flatMap(({ examples }) => examples)) {
        const { code, err } = await cli(line)
        assert.deepEqual({ line, code, err }, { line, code: 0, err: '' })
      }
    })
  })
}
