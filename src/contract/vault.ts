import type { UnitOfWork } from '../ports/unit-of-work.ts'
import type { Eraser, Vault } from '../ports/vault.ts'
import { type Clause, holds, rejects, same } from './clause.ts'

/** What a driver's test gives to the clauses of Vault: an empty one, and transactions of its database. */
export interface VaultDriver<Tx> {
  readonly vault: Vault & Eraser<Tx>
  readonly unitOfWork: UnitOfWork<Tx>
}

const texts = ['"é \\" \\n"', '""', JSON.stringify('x'.repeat(100_000)), '{"a":[1,null]}']

/** The promises of Vault: what is sealed opens for its subject and place alone, and for nobody once that is erased. */
export function vaultClauses<Tx>(): readonly Clause<VaultDriver<Tx>>[] {
  return [
    {
      says: 'what is sealed opens as it was, each value by itself',
      async holds(driver) {
        const values = texts.map((text, at) => ({ subject: `s-${at % 2}`, place: `p-${at}`, text }))
        same(await opened(driver, values, await driver.vault.seal(values)), texts, 'what was opened')
        same(await driver.vault.seal([]), [], 'nothing, sealed')
        same(await driver.vault.open([]), [], 'nothing, opened')
      },
    },
    {
      says: 'a value is sealed otherwise each time, and does not show',
      async holds({ vault }) {
        const value = { subject: 's', place: 'p', text: '"Ada"' }
        const [one, two] = await vault.seal([value, value])
        const [three] = await vault.seal([value])
        same(new Set([one, two, three]).size, 3, 'how many different ones there are')
      },
    },
    {
      says: 'a value does not open for another subject or place, nor when it was changed',
      async holds({ vault }) {
        const [mine, theirs] = await vault.seal([
          { subject: 'me', place: 'p', text: '"mine"' },
          { subject: 'you', place: 'p', text: '"yours"' },
        ])
        const refused = await vault.open([
          { subject: 'you', place: 'p', sealed: mine ?? '' },
          { subject: 'me', place: 'q', sealed: mine ?? '' },
          { subject: 'nobody', place: 'p', sealed: mine ?? '' },
          { subject: 'me', place: 'p', sealed: theirs ?? '' },
          { subject: 'me', place: 'p', sealed: (mine ?? '').slice(4) },
          { subject: 'me', place: 'p', sealed: '' },
        ])
        same(
          kinds(refused),
          refused.map(() => 'refused'),
          'what became of them',
        )
      },
    },
    {
      says: 'who is erased opens as erased, and nobody else does',
      async holds({ vault, unitOfWork }) {
        const values = ['a', 'b'].map((subject) => ({ subject, place: 'p', text: '"x"' }))
        const sealed = await vault.seal(values)
        holds(await unitOfWork.run((tx) => vault.erase(tx, 'a')), 'erasing told that it did')
        const requests = values.map(({ subject, place }, at) => ({ subject, place, sealed: sealed[at] ?? '' }))
        same(kinds(await vault.open(requests)), ['erased', 'opened'], 'what became of them')
      },
    },
    {
      says: 'nothing is sealed any more for who was erased, known or not',
      async holds({ vault, unitOfWork }) {
        await vault.seal([{ subject: 'a', place: 'p', text: '"x"' }])
        for (const subject of ['a', 'unheard of']) await unitOfWork.run((tx) => vault.erase(tx, subject))
        const values = ['a', 'unheard of', 'c'].map((subject) => ({ subject, place: 'p', text: '"x"' }))
        same(
          (await vault.seal(values)).map((text) => text === null),
          [true, true, false],
          'what was refused',
        )
      },
    },
    {
      says: 'who is erased in a transaction that is rolled back is not',
      async holds({ vault, unitOfWork }) {
        const value = { subject: 'a', place: 'p', text: '"x"' }
        const [sealed] = await vault.seal([value])
        const undone = unitOfWork.run(async (tx) => {
          await vault.erase(tx, 'a')
          throw new Error('undone')
        })
        await rejects(undone, 'Error: undone')
        same(kinds(await vault.open([{ ...value, sealed: sealed ?? '' }])), ['opened'], 'what became of it')
        holds(await unitOfWork.run((tx) => vault.erase(tx, 'a')), 'erasing told that it did')
      },
    },
    {
      says: 'erasing tells once that it did',
      async holds({ vault, unitOfWork }) {
        const told: boolean[] = []
        await unitOfWork.run(async (tx) => {
          for (let times = 0; times < 2; times++) told.push(await vault.erase(tx, 'a'))
        })
        told.push(await unitOfWork.run((tx) => vault.erase(tx, 'a')))
        same(told, [true, false, false], 'what erasing told')
      },
    },
    {
      says: 'who seals for a new subject side by side with others gets the one key',
      async holds(driver) {
        const values = texts.map((text) => ({ subject: 'new', place: 'p', text }))
        const sealed = await Promise.all(values.map((value) => driver.vault.seal([value])))
        same(await opened(driver, values, sealed.flat()), texts, 'what was opened')
      },
    },
  ]
}

async function opened<Tx>(
  { vault }: VaultDriver<Tx>,
  values: readonly { readonly subject: string; readonly place: string }[],
  sealed: readonly (string | null)[],
): Promise<readonly (string | null)[]> {
  const found = await vault.open(values.map(({ subject, place }, at) => ({ subject, place, sealed: sealed[at] ?? '' })))
  return found.map((each) => (each.kind === 'opened' ? each.text : null))
}

function kinds(found: readonly { readonly kind: string }[]): readonly string[] {
  return found.map(({ kind }) => kind)
}
