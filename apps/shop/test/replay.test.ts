import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Decimal } from 'decimal.js'
import { faults, kindOf, total } from '../orders/document.ts'
import { expectedFigures } from '../reconciliation/expected.ts'
import { readInvoices } from '../replay/invoices.ts'

const december = fileURLToPath(new URL('../data/online-retail-2010-12.csv.gz', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'estafet-shop-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const file = (...lines: readonly string[]): string => {
  const path = join(folder, `${Math.random()}.csv`)
  writeFileSync(path, [header, ...lines].join('\r\n'))
  return path
}
const all = { lines: new Set<number>(), isWanted: () => true }

test('December 2010 has the invoices, kinds, lines and totals that were counted independently', async () => {
  const { invoices, badLines } = await readInvoices(december)
  assert.deepEqual(badLines, [])
  assert.equal(invoices.length, 2025)
  const kinds = Map.groupBy(invoices, kindOf)
  assert.deepEqual([...kinds].map(([kind, list]) => [kind, list.length]).sort(), [
    ['order', 1629],
    ['return', 326],
    ['write-off', 70],
  ])
  assert.equal(
    invoices.reduce((sum, { lines }) => sum + lines.length, 0),
    42_481,
  )
  assert.equal(
    invoices.filter(({ customerId }) => customerId === null).reduce((sum, { lines }) => sum + lines.length, 0),
    15_631,
  )
  const figures = await expectedFigures(december, all)
  assert.deepEqual(Object.fromEntries([...figures].map(([country, { total: sum }]) => [country, sum])), {
    'United Kingdom': '676742.6200',
    Germany: '14562.8400',
    France: '9575.3600',
    EIRE: '9029.9500',
    Netherlands: '8784.4800',
    Japan: '7705.0700',
    Norway: '3787.1200',
    Sweden: '2646.3000',
    Portugal: '2380.1200',
    Spain: '1843.7300',
    Belgium: '1809.9100',
    Lithuania: '1661.0600',
    Cyprus: '1590.8200',
    Switzerland: '1304.9200',
    Denmark: '1281.5000',
    Australia: '1005.1000',
    Finland: '892.8000',
    Italy: '794.5000',
    Iceland: '711.7900',
    'Channel Islands': '363.5300',
    Austria: '257.0400',
    Poland: '248.1600',
    Bahrain: '205.7400',
    Israel: '-227.4400',
  })
  const replayed = invoices.reduce((sum, invoice) => sum.plus(total(invoice)), new Decimal(0))
  assert.equal(replayed.toFixed(4), '748957.0200')
})

test('broken lines are named with their number and reason, and the rest goes on', async () => {
  const { invoices, badLines } = await readInvoices(
    file(
      '1,A,ok,2,2010-12-01 08:26:00,2.55,17850,United Kingdom',
      '1,A,too few fields',
      '1,A,"open quote,2,2010-12-01 08:26:00,2.55,17850,United Kingdom',
      '1,A,no number,two,2010-12-01 08:26:00,2.55,17850,United Kingdom',
      '1,A,five places,2,2010-12-01 08:26:00,2.55555,17850,United Kingdom',
      '1,A,no such day,2,2010-13-01 08:26:00,2.55,17850,United Kingdom',
      '1,A,other country,2,2010-12-01 08:26:00,2.55,17850,France',
      ',A,no invoice,2,2010-12-01 08:26:00,2.55,17850,United Kingdom',
      '2,b,"quoted, with ""quotes""",1,2010-12-01 08:26:00,1,,EIRE',
    ),
  )
  assert.deepEqual(
    badLines.map(({ line }) => line),
    [3, 4, 5, 6, 7, 8, 9],
  )
  assert.match(badLines[2]?.reason ?? '', /Quantity is no whole number/)
  assert.deepEqual(
    invoices.map(({ invoiceNo, lines }) => [invoiceNo, lines.length]),
    [
      ['1', 1],
      ['2', 1],
    ],
  )
  assert.deepEqual([invoices[1]?.customerId, invoices[1]?.lines[0]?.description], [null, 'quoted, with "quotes"'])
})

test('identical lines stay separate, lines of one invoice need not stand together, spaces are taken off', async () => {
  const line = '1,A,  a thing ,2,2010-12-01 08:26:00,2.55,7,United Kingdom'
  const { invoices } = await readInvoices(file(line, '2,A,,1,2010-12-01 08:27:00,0,7,France', line))
  assert.equal(invoices[0]?.lines.length, 2)
  assert.equal(invoices[0]?.lines[0]?.description, 'a thing')
  assert.equal(invoices[1]?.lines[0]?.description, null)
})

test('what the HTTP interface would refuse is a bad line and not a lost invoice', async () => {
  const { badLines, invoices } = await readInvoices(
    file(
      '1,A,fine,2,2010-12-01 08:26:00,2.55,17850,EIRE',
      '1,A,too many,2000000,2010-12-01 08:26:00,2.55,17850,EIRE',
      '1,A,none,0,2010-12-01 08:26:00,2.55,17850,EIRE',
      '1,A,a NUL \u0000,2,2010-12-01 08:26:00,2.55,17850,EIRE',
      `1,A,${'long '.repeat(60)},2,2010-12-01 08:26:00,2.55,17850,EIRE`,
      '1,A,no day,2,2010-02-30 08:26:00,2.55,17850,EIRE',
      '1,A,no country,2,2010-12-01 08:26:00,2.55,17850,  ',
      'C-1,A,no number,-2,2010-12-01 08:26:00,2.55,17850,EIRE',
    ),
  )
  assert.deepEqual(
    badLines.map(({ line, reason }) => [line, reason.split(' ')[0]]),
    [
      [3, 'Quantity'],
      [4, 'Quantity'],
      [5, 'Description'],
      [6, 'Description'],
      [7, 'InvoiceDate'],
      [8, 'Country'],
      [9, 'InvoiceNo'],
    ],
  )
  assert.equal(invoices[0]?.lines.length, 1)
})

test('adjustments, negative prices and four places are read and added up to the last one', async () => {
  const path = file(
    'A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom',
    'A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom',
    '550193,PADS,PADS TO MATCH ALL CUSHIONS,1,2011-04-15 09:27:00,0.0014,13952,United Kingdom',
  )
  writeFileSync(path, `\uFEFF${readFileSync(path, 'utf8')}`)
  const { invoices, badLines } = await readInvoices(path)
  assert.deepEqual(badLines, [])
  assert.deepEqual(invoices.map(kindOf), ['adjustment', 'adjustment', 'order'])
  assert.deepEqual(
    await expectedFigures(path, all),
    new Map([['United Kingdom', { invoices: 3, lines: 3, total: '0.0014' }]]),
  )
})

test('a file of other columns, an empty, a torn and a missing one are refused with what to do', async () => {
  const other = join(folder, 'other.csv')
  writeFileSync(other, 'a,b,c\n1,2,3\n')
  await assert.rejects(readInvoices(other), /first line must be/)
  writeFileSync(other, '')
  await assert.rejects(readInvoices(other), /empty/)
  await assert.rejects(readInvoices(folder), /is a folder/)
  writeFileSync(join(folder, 'torn.csv.gz'), readFileSync(december).subarray(0, 300_000))
  await assert.rejects(readInvoices(join(folder, 'torn.csv.gz')), /no complete gzip file/)
  await assert.rejects(readInvoices(join(folder, 'missing.csv')), /does not exist/)
})

test('the kind of a document follows from its number and signs; what fits no rule is an adjustment', () => {
  const line = {
    stockCode: 'A',
    description: null,
    quantity: 1,
    unitPrice: '1.50',
    invoicedAt: '2010-12-01T08:26:00.000Z',
  }
  const invoice = (invoiceNo: string, ...lines: readonly Partial<typeof line>[]) => ({
    ...{ invoiceNo, customerId: null, country: 'EIRE' },
    lines: lines.map((each) => ({ ...line, ...each })),
  })
  assert.equal(kindOf(invoice('1', {})), 'order')
  assert.equal(kindOf(invoice('C1', { quantity: -1 })), 'return')
  assert.equal(kindOf(invoice('1', { quantity: -1, unitPrice: '0' })), 'write-off')
  assert.equal(kindOf(invoice('A1', { unitPrice: '-11062.06' })), 'adjustment')
  assert.equal(kindOf(invoice('1', {}, { quantity: -1 })), 'adjustment')
  assert.deepEqual(
    faults('order', invoice('C1', { quantity: 0 })).map(({ field }) => field),
    ['invoiceNo', 'lines.0.quantity'],
  )
  assert.equal(total(invoice('1', { unitPrice: '0.1', quantity: 3 }, { unitPrice: '0.0001' })), '0.3001')
})
