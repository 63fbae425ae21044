import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Actual } from '../reconciliation/actual.ts'
import { decimalText, tenThousandths } from '../reconciliation/expected.ts'
import type { ByCountry } from '../reconciliation/figures.ts'
import { reconcile } from '../reconciliation/reconcile.ts'
import { report } from '../reconciliation/report.ts'
import { type ServiceName, serviceNames } from '../system/services.ts'

const file: ByCountry = new Map([
  ['Israel', { invoices: 1, lines: 2, total: '-227.4400' }],
  ['EIRE', { invoices: 2, lines: 3, total: '0.0001' }],
])

/** What a faultless run leaves, with some of it replaced. */
function actual(other: { figures?: [ServiceName, ByCountry]; events?: object; wrong?: number } = {}): Actual {
  const events = { expected: 3, applied: 3, doubled: 0, parked: [], lost: 0 }
  return {
    figures: new Map([...serviceNames.map((name) => [name, file] as const), ...(other.figures ? [other.figures] : [])]),
    events: new Map(serviceNames.map((name) => [name, { ...events, ...other.events }])),
    published: new Map(serviceNames.map((name) => [name, 3])),
    audits: [{ says: 'inventory: every stock level is the sum of its movements', wrong: other.wrong ?? 0 }],
  }
}

function reported(has: Actual): string {
  return report({
    file: 'some.csv',
    badLines: [],
    sent: { kinds: { order: 2, return: 1, 'write-off': 0, adjustment: 0 }, refused: [], retries: 0 },
    mended: null,
    reconciliation: reconcile(file, has),
    counters: { delivered: 12, duplicates: 0, retried: 0 },
    killed: [],
    seed: null,
    restarts: 0,
    seconds: 1,
  })
}

test('four databases that say what the file says are equal', () => {
  const found = reconcile(file, actual())
  assert.equal(found.isEqual, true)
  assert.deepEqual(found.file, { invoices: 3, lines: 5, total: '-227.4399' })
  assert.match(reported(actual()), /Reconciled: everything is equal\.$/)
})

test('a country that is short of a ten-thousandth in one database is named with that database', () => {
  const short = new Map(file).set('EIRE', { invoices: 2, lines: 3, total: '0.0000' })
  const has = actual({ figures: ['payments', short] })
  const found = reconcile(file, has)
  assert.equal(found.isEqual, false)
  assert.deepEqual(
    found.services.filter(({ isEqual }) => !isEqual).map(({ name }) => name),
    ['payments'],
  )
  assert.match(reported(has), /^EIRE .*0\.0001 {2}DIFFERS: payments has 2 \/ 3 \/ 0\.00$/m)
  assert.match(reported(has), /NOT reconciled/)
})

test('a country that the file does not have is a difference, too', () => {
  const more = new Map(file).set('Atlantis', { invoices: 1, lines: 1, total: '1.0000' })
  assert.equal(reconcile(file, actual({ figures: ['orders', more] })).isEqual, false)
})

test('equal totals do not hide a lost event, a doubled one or a broken rule', () => {
  assert.equal(reconcile(file, actual({ events: { applied: 2, lost: 1 } })).isEqual, false)
  assert.equal(reconcile(file, actual({ events: { applied: 4, doubled: 1 } })).isEqual, false)
  assert.equal(reconcile(file, actual({ wrong: 1 })).isEqual, false)
  assert.match(reported(actual({ wrong: 1 })), /^NO \(1\) {2}inventory: every stock level/m)
})

test('decimals become whole ten-thousandths and come back', () => {
  for (const text of ['0.0000', '0.0001', '-0.0001', '-11062.0600', '9999999999.9999']) {
    assert.equal(decimalText(tenThousandths(text)), text)
  }
  assert.deepEqual(['1', '-0.5', '2.55'].map(tenThousandths), [10_000n, -5_000n, 25_500n])
})
