import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressText } from '../../../engines/application/progress.ts'
import { options, UnusableOptions } from '../options.ts'

test('without words the month that comes with the shop is replayed, as fast as it goes', () => {
  const { file, rate, invoices, kill, stay, json } = options([], '/somewhere')
  assert.match(file, /apps\/shop\/data\/online-retail-2010-12\.csv\.gz$/)
  assert.deepEqual([rate, invoices, kill, stay, json], [Infinity, Infinity, null, false, false])
})

test('a relative file and folder are looked for where the user is', () => {
  const { file, home } = options(['--file', '../mine.csv', '--home', 'there'], '/home/user/data')
  assert.deepEqual([file, home], ['/home/user/mine.csv', '/home/user/data/there'])
})

test('a share may be written as a part or in percent', () => {
  assert.deepEqual([options(['--poison', '1%'], '/').poison, options(['--poison', '0.25'], '/').poison], [0.01, 0.25])
  assert.equal(options([], '/').poison, null)
})

test('a number that is none, and a word that is no option, are refused by name', () => {
  const refused = (...words: readonly string[]): string => {
    let message = ''
    assert.throws(
      () => options(words, '/'),
      (error: unknown) => {
        assert.ok(error instanceof UnusableOptions)
        message = error.message
        return true
      },
    )
    return message
  }
  assert.equal(refused('--rate', 'fast'), '--rate wants a number above 0, not "fast".')
  assert.equal(refused('--invoices', '2.5'), '--invoices wants a whole number from 1, not "2.5".')
  assert.equal(refused('--broker', 'rabbit'), '--broker wants kafka or redis, not "rabbit".')
  assert.match(refused('--poison', '60%'), /^--poison wants a share above 0 and up to 50%/)
  assert.equal(refused('--kill', '0'), '--kill wants a whole number from 1, not "0".')
  assert.match(refused('--frobnicate'), /Unknown option '--frobnicate'/)
  assert.match(refused('stray'), /stray/)
})

test('progress says how much, how long, and how long still', () => {
  assert.equal(progressText('invoices', 500, 2000, 10), 'invoices  500/2000 25%, 10 s, 30 s left')
  assert.equal(progressText('invoices', 0, 2000, 1), 'invoices  0/2000 0%, 1 s')
  assert.equal(progressText('effects', 0, 0, 1), 'effects   0/0 100%, 1 s')
})
