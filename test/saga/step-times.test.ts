import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isEstafetError } from 'estafet'
import pg from 'pg'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { refuseInstant } from '../../src/saga/step-times.ts'

const dates = [
  '0000-01-01',
  '0001-01-01',
  '1900-02-29',
  '2000-02-29',
  '2026-02-28',
  '2026-02-29',
  '2026-02-31',
  '2026-04-31',
]
const moreDates = ['2026-00-10', '2026-01-00', '2026-13-01', '2026-12-32', '2028-02-29', '2100-02-29', '9999-12-31']
const times = ['00:00', '23:59:59', '23:59:60', '24:00:00', '24:00:01', '25:00', '12:60', '12:00:00.123456789']
const zones = [
  'Z',
  '+00:00',
  '+05:45',
  '-12:00',
  '+14:00',
  '+15:59',
  '-15:59',
  '+16:00',
  '+19:00',
  '-23:00',
  '+05:60',
  '+24:00',
]
const all = [...dates, ...moreDates].flatMap((date) =>
  times.flatMap((time) => zones.map((zone) => `${date}T${time}${zone}`)),
)

function isTaken(text: string): boolean {
  try {
    refuseInstant('a while', text)
    return true
  } catch (error) {
    assert.ok(isEstafetError(error, 'MISCONFIGURED'), String(error))
    return false
  }
}

describe('the instant until which a step sleeps', () => {
  let server: PostgresServer
  let pool: pg.Pool
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: server.adminUrl })
    pool.on('error', () => {})
  })
  after(async () => {
    await pool?.end()
    await server?.stop()
  })

  test('is one that PostgreSQL takes, and means the same there', async () => {
    const taken = all.filter(isTaken)
    const { rows } = await pool.query<{ text: string; ms: number | null }>(
      `SELECT i.text, CASE WHEN pg_input_is_valid(i.text, 'timestamptz')
          THEN floor(extract(epoch FROM i.text::timestamptz) * 1000)::float8 END AS ms
        FROM unnest($1::text[]) AS i (text)`,
      [taken],
    )
    assert.deepEqual(
      rows.filter(({ text, ms }) => ms !== Date.parse(text)),
      [],
    )
    assert.ok(taken.length > 100, 'and most real ones are taken')
  })

  test('is a real one', () => {
    for (const text of [
      '2026-02-31T12:00:00Z',
      '2026-01-01T12:00:00+19:00',
      '0000-01-01T00:00:00Z',
      '1900-02-29T12:00Z',
    ]) {
      assert.equal(isTaken(text), false, text)
    }
    for (const text of [
      '2026-02-28T12:00Z',
      '2000-02-29T23:59:59.999Z',
      '2026-01-01T12:00:00+14:00',
      '2026-01-01T00:00:00-09:30',
    ]) {
      assert.equal(isTaken(text), true, text)
    }
  })
})
