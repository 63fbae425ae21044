import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { newDatabase } from '../../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../../engines/postgres/server.ts'
import { charge, refundByTerms, refundWhole } from '../payment/ledger.ts'
import { idWithCard, tripOf } from '../smoke/steps.ts'

const good = tripOf(idWithCard('good', 'good'), { deposit: 'Non Refund' })
const declined = tripOf(idWithCard('poor', 'declined'))

describe('the ledger', () => {
  let server: PostgresServer
  let pool: pg.Pool
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, 'ledger') })
    pool.on('error', () => {})
    await pool.query('CREATE ROLE payment')
    await pool.query(readFileSync(new URL('../payment/migrations/0001-payment.sql', import.meta.url), 'utf8'))
  })
  after(async () => {
    await pool.end()
    await server.stop()
  })
  beforeEach(() => pool.query('TRUNCATE ledger_entry'))

  const entries = async (): Promise<readonly string[]> => {
    const text = `SELECT concat_ws(' ', kind, why, amount) AS entry FROM ledger_entry ORDER BY number`
    return (await pool.query<{ entry: string }>(text)).rows.map(({ entry }) => entry)
  }

  test('of a trip that did not come about, everything is given back whatever its deposit, once', async () => {
    assert.equal(await charge(pool, good), '226.50')
    await refundWhole(pool, good.tripId)
    await refundWhole(pool, good.tripId)
    assert.deepEqual(await entries(), ['charge trip 226.50', 'refund compensation 226.50'])
  })

  test('of a trip that its guest gave up, what the terms of its deposit leave', async () => {
    await charge(pool, good)
    assert.deepEqual(await refundByTerms(pool, good, '2015-01-01'), { refunded: '0.00', kept: '226.50' })
    assert.deepEqual(await entries(), ['charge trip 226.50'])
    const late = tripOf(idWithCard('late', 'good'))
    await charge(pool, late)
    assert.deepEqual(await refundByTerms(pool, late, '2015-07-02'), { refunded: '151.00', kept: '75.50' })
    assert.deepEqual((await entries()).slice(1), ['charge trip 226.50', 'refund cancellation 151.00'])
  })

  test('nothing is written for a card that is declined, and a free stay asks no card', async () => {
    assert.equal(await charge(pool, declined), null)
    assert.deepEqual(await entries(), [])
    assert.equal(await charge(pool, { ...declined, pricePerNight: '0' }), '0.00')
    await refundWhole(pool, declined.tripId)
    assert.deepEqual(await entries(), ['charge trip 0.00'])
  })
})
