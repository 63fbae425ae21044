import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isEstafetError, type OutgoingEvent, type RecordedEvent, type SourceEvent, streamCopy } from 'estafet'
import { copiesOf } from '../../../src/event-sourcing/copy-event.ts'

const person = 'u-1'
const secret = (text: string) => ({ $sealed: text, subject: person })
const erased = { $erased: true }

/** An event as it is stored and opened: of a person, with texts, a number, a map and a list in what is personal. */
const clear = {
  ...{ id: person, plan: 'Annual-Xaverine-free', amount: 1980, note: 'seen', at: 'shop-71980-a' },
  ...{ name: ' Xaverine ', nick: 'Bo', born: 1980, age: 42, isAdult: true, friends: { Zebedee: { since: 2001 } } },
  mails: [{ address: 'x@example.org', kind: 'home' }],
  depot: { city: 'Lyon' },
  customer: { city: 'Oslo', street: 'Main' },
}
const stored = {
  ...clear,
  ...{ name: secret('1'), nick: secret('2'), born: secret('3'), age: secret('4'), isAdult: secret('5') },
  ...{ friends: secret('6'), mails: [{ address: secret('7'), kind: 'home' }], customer: secret('8') },
}
const fields = ['name', 'nick', 'born', 'age', 'isAdult', 'friends', 'mails.address', 'customer']

function eventOf(data: object): RecordedEvent {
  return {
    ...{ id: 'e-1', type: 'Named', version: 1, payload: JSON.stringify(data), key: person, topic: 'user' },
    ...{ correlationId: 'c-1', causationId: null, traceparent: null, headers: {}, source: 'users', epoch: 'a' },
    ...{ position: 7n, streamVersion: 3, time: '2001-01-01T00:00:00.000Z' },
  }
}

/** What is said of a copy with this data; null when it is made. */
function said(data: object, more: Partial<OutgoingEvent> = {}, opened: object = clear): string | null {
  const made = { type: 'Called', version: 1, context: {}, personal: { subject: person, fields }, ...more, data }
  return saidOf(() => made, opened)
}

function saidOf(transform: (event: SourceEvent) => OutgoingEvent, opened: object = clear): string | null {
  try {
    const copy = streamCopy({ from: 'user', to: 'user-v2', transform })
    assert.equal(copiesOf(copy, eventOf(opened), JSON.stringify(stored), true).length, 1)
    return null
  } catch (error) {
    assert.ok(isEstafetError(error, 'MISCONFIGURED'), String(error))
    return error.message
  }
}

describe('what was opened for a transformation', () => {
  test('makes no copy without personal fields of its own, whatever is in it', () => {
    for (const personal of [{}, { personal: { subject: person, fields: [] } }]) {
      const { name, ...rest } = clear
      for (const data of [{}, { plan: 'new' }, rest, { greeting: `Dear ${name}` }, { initial: 'X' }]) {
        const made = { type: 'Called', version: 1, context: {}, ...personal, data }
        assert.match(saidOf(() => made) ?? '', /names no personal fields of its own: make it by a definition/)
      }
    }
    assert.match(saidOf((event) => ({ ...event, type: 'Other' })) ?? '', /no personal fields of its own/)
  })

  test('is not asked for by an event that is handed on untouched, nor by one in which nothing opened', () => {
    assert.equal(
      saidOf((event) => event),
      null,
    )
    assert.equal(
      saidOf((event) => ({ ...event, version: 2 })),
      null,
    )
    const none = Object.fromEntries(
      Object.entries(clear).map(([field, value]) => [field, fields.includes(field) ? erased : value]),
    )
    const erasedToo = { ...none, mails: [{ address: erased, kind: 'home' }] }
    assert.equal(
      saidOf((event) => ({ ...event, type: 'Other' }), erasedToo),
      null,
    )
  })

  const leaks: readonly (readonly [what: string, data: object, where: string])[] = [
    ['a whole text', { greeting: 'Xaverine' }, 'the field greeting'],
    ['a whole text of two letters', { greeting: 'Bo' }, 'the field greeting'],
    ['a part of a text', { greeting: 'Dear Xaverine' }, 'the field greeting'],
    ['a text that stands in clear in the event, as part of another', { tag: 'Xaverine-free' }, 'the field tag'],
    ['a text in a list', { all: [{ one: ['a', 'Dear Xaverine'] }] }, 'the field all.one'],
    ['a number', { year: 1980 }, 'the field year'],
    ['a number as text', { year: 'in 1980' }, 'the field year'],
    ['a number with a sign', { year: -1980 }, 'the field year'],
    ['digits of a number', { key: 419_801 }, 'the field key'],
    ['a number in a map', { met: '2001' }, 'the field met'],
    ['a name of a map', { of: { Zebedee: 1 } }, 'the name of a field of the field of'],
    ['a name of a map as text', { of: ['Zebedee, too'] }, 'the field of'],
    ['a text as a name', { of: { 'Dear Xaverine': true } }, 'the name of a field of the field of'],
    ['a text as a name at the top', { Xaverine: true }, 'the name of a field of its data'],
    ['a text of a list', { mail: 'x@example.org' }, 'the field mail'],
    ['a text beside a personal field', { mails: [{ address: 'y', kind: 'x@example.org' }] }, 'the field mails.kind'],
    ['data that is no object', ['Dear Xaverine'], 'its data'],
    ['a text below a name that is in clear anyway', { seen: { plan: 'Xaverine' } }, 'the field seen.plan'],
  ]
  for (const [what, data, where] of leaks) {
    test(`is found in the clear part of a copy as ${what}, and the field is named`, () => {
      const says = said(data) ?? ''
      assert.ok(says.includes(`would hold in clear, in ${where}, what is sealed in its event`), says)
      assert.doesNotMatch(says, /Xaverine|1980|Zebedee|example\.org|2001/)
    })
  }

  test('is not quoted by the names on the way to it either', () => {
    const says = said({ plan: { year: 1980 } }, {}, { ...clear, name: 'plan' }) ?? ''
    assert.ok(says.includes('in the field *.year,'), says)
  })

  test('is found with another sign, and what is left of an erased value in it is nobody’s', () => {
    assert.match(said({ year: 1980 }, {}, { ...clear, born: -1980 }) ?? '', /the field year/)
    assert.equal(said({ extra: erased }, {}, { ...clear, friends: { Zebedee: erased } }), null)
  })

  test('is found in the subject and in the type of a copy', () => {
    assert.match(said({}, { personal: { subject: 'of x@example.org', fields } }) ?? '', /in its subject/)
    assert.match(said({}, { type: 'Zeb' }, { ...clear, name: 'Zeb' })?.replace('type Zeb', '') ?? '', /in its type/)
    assert.equal(said({}, { personal: { subject: 'another', fields } }), null)
  })

  const fine: readonly (readonly [what: string, data: object])[] = [
    ['is in personal fields', { name: 'Xaverine', born: 1980, friends: { Zebedee: 'Xaverine' }, nick: 'x' }],
    ['stays in clear where it was in clear', { plan: clear.plan, amount: 1980, at: clear.at }],
    [
      'is part of a text that was in clear elsewhere, such as an id',
      { place: clear.at, when: '2001-01-01T00:00:00.000Z' },
    ],
    ['is too short to be anybody’s', { count: 42, greeting: 'Bob', isAdult: true }],
    [
      'has names that are in clear in the event, or lead to personal fields',
      { warehouse: { city: 'Lyon' }, customer: {} },
    ],
    ['is erased', { extra: erased, name: erased }],
  ]
  for (const [what, data] of fine) {
    test(`is no fault where it ${what}`, () => assert.equal(said(data), null))
  }

  test('may be spread over personal fields that have the names it had', () => {
    const personal = { subject: person, fields: ['street', 'to.town'] }
    assert.equal(said({ street: 'Main', to: { town: 'Oslo' } }, { personal }), null)
    assert.match(said({ street: 'Main', to: { zip: 'Oslo' } }, { personal }) ?? '', /the field to\.zip/)
  })
})
