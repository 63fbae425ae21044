import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { takeFolder } from '../../../engines/application/exclusive-folder.ts'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { startPostgres } from '../../../engines/postgres/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'estafet-trips-'))
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function begin(program: 'main' | 'reconcile' | 'smoke', ...words: readonly string[]): Promise<Ended> {
  const path = fileURLToPath(new URL(`../${program}.ts`, import.meta.url))
  const conditions = program === 'reconcile' ? [] : ['--conditions=estafet-source']
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...conditions, path, ...words])
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

const home = (name: string): string => join(folder, name)

/** What a run printed as JSON, and that it is what it should be. */
function equal({ code, out, err }: Ended, trips: number) {
  const { reconciliation, killed } = JSON.parse(out)
  assert.equal(reconciliation.isEqual, true, out + err)
  assert.equal(code, 0)
  const counts: readonly { state: string; trips: number }[] = reconciliation.trips
  assert.equal(
    counts.reduce((sum, each) => sum + each.trips, 0),
    trips,
  )
  assert.ok(counts.some(({ state, trips: of }) => state === 'CANCELLED' && of > 0))
  return { killed, counts }
}

for (const form of ['orchestrated', 'choreographed']) {
  test(`a run reconciles under kill -9 of services and of the database, ${form}`, async () => {
    const words = ['--form', form, '--trips', '120', '--kill', '--seed', '5', '--json']
    const { killed } = equal(await begin('main', '--home', home(form), ...words), 120)
    assert.ok(killed.length > 0)
  })
}

const noKafka = kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false
test('a run over Kafka reconciles under kill -9 of services, of the database and of Kafka', {
  skip: noKafka,
}, async () => {
  const words = ['--broker', 'kafka', '--trips', '100', '--kill', '--seed', '5', '--json']
  const { killed } = equal(await begin('main', '--home', home('kafka'), ...words), 100)
  assert.ok(killed.length > 0)
})

test('a run says what came of the trips, and the reconciliation can be repeated, and is not fooled', async () => {
  const at = home('plain')
  const { code, out, err } = await begin('main', '--home', at, '--trips', '160')
  assert.equal(code, 0, out + err)
  assert.match(out, /Asked for 160 trips and gave \d+ of them up/)
  assert.match(out, /in between +0\.00/)
  assert.match(out, /Reconciled: 160 trips, all at their end; nothing sold twice, and no money in between\.\n$/)
  assert.equal((await begin('reconcile', '--home', at)).code, 0)
  const server = await startPostgres({ home: at })
  const client = new pg.Client({
    connectionString: Object.assign(new URL(server.adminUrl), { pathname: '/payment' }).href,
  })
  await client.connect()
  await client.query(
    `INSERT INTO ledger_entry (trip_id, kind, why, amount) SELECT trip_id, kind, why, amount FROM ledger_entry
      WHERE amount > 0 AND kind = 'charge' LIMIT 1`,
  )
  await client.end()
  await server.stop()
  const again = await begin('reconcile', '--home', at)
  assert.equal(again.code, 1)
  assert.match(again.out, /NO \(1\) {2}payment: no trip was charged twice/)
  assert.match(again.out, /NOT reconciled/)
})

test('a wrong option and a missing file end with what to do, and exit code 2', async () => {
  for (const words of [
    ['--trips', 'many'],
    ['--form', 'alone'],
    ['--broker', 'pigeons'],
    ['--seed', '0'],
    ['--compare', '--port', 'high'],
    ['--no-such-option'],
    ['--file', 'missing.csv'],
  ]) {
    const { code, err } = await begin('main', '--home', home('unused'), ...words)
    assert.equal(code, 2, words.join(' '))
    assert.match(err, /--help shows the options/)
  }
  assert.match((await begin('main', '--help')).out, /--form choreographed/)
  assert.equal((await begin('reconcile', '--home', home('never-run'))).code, 2)
})

test('a second one on the same folder is refused with what to do', async () => {
  const giveBack = takeFolder(home('taken'))
  const second = await begin('main', '--home', home('taken'), '--trips', '1')
  giveBack()
  assert.equal(second.code, 2)
  assert.match(second.err, /Another one is running on .*taken: stop it/)
})

test('the smoke test passes', async () => {
  const { code, out, err } = await begin('smoke')
  assert.deepEqual(
    out.match(/^\[\w+\] +[^:]+/gm),
    ['engines up', 'trip completed', 'no room, no trip', 'card declined', 'trip cancelled', 'bad input refused'].map(
      (step) => `[OK]   ${step}`,
    ),
    out + err,
  )
  assert.equal(code, 0)
})
