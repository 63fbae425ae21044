import { randomUUID } from 'node:crypto'
import type { Subject } from './subject.ts'

type Listed = Awaited<ReturnType<Subject['operations']['deadLetters']['list']>>['items'][number]

/** A dead letter and the service that could not take it. */
export interface Letter {
  /** The service and its number there: `notifications-12`. */
  readonly id: string
  readonly subject: Subject
  readonly letter: Listed
}

const pageSize = 200
const idPattern = /^([a-z]+)-(\d{1,18})$/

/** Dead letters service by service, oldest first, from the one after `after`. */
export async function listLetters(
  subjects: readonly Subject[],
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly Letter[]> {
  const [, name, number = '0'] = idPattern.exec(after ?? '') ?? []
  const from = Math.max(
    0,
    subjects.findIndex((subject) => subject.name === name),
  )
  const found: Letter[] = []
  for (const subject of subjects.slice(from)) {
    const page = { after: subject.name === name ? BigInt(number) : null, limit: limit - found.length }
    if (page.limit <= 0) break
    const { deadLetters } = subject.operations
    const { items } = await deadLetters.list(subject.running.subscription, {}, { ...page, isWithPayload: false })
    found.push(...items.map((letter) => ({ id: `${subject.name}-${letter.number}`, subject, letter })))
  }
  return found
}

/** The dead letter of an id, or of the id of its event, which is what `event_dlq` tells. Null when there is none. */
export async function findLetter(subjects: readonly Subject[], id: string): Promise<Letter | null> {
  const [, name, number] = idPattern.exec(id) ?? []
  const named = subjects.find((subject) => subject.name === name)
  if (named !== undefined && number !== undefined) {
    const letter = await named.operations.deadLetters.find(named.running.subscription, BigInt(number))
    return letter === null ? null : { id, subject: named, letter }
  }
  for (let after: string | null = null; ; ) {
    const page: readonly Letter[] = await listLetters(subjects, { after, limit: pageSize })
    const found = page.find(({ letter }) => letter.id === id)
    if (found !== undefined) return found
    if (page.length < pageSize) return null
    after = page.at(-1)?.id ?? null
  }
}

export interface By {
  readonly who: string
  readonly reason: string | null
  /** Asking again with the same is asking once. */
  readonly requestId: string | null
}

/** Brings a dead letter back on the normal path, under the same id; `busy` when it is no dead letter or on its way. */
export async function reprocess({ subject, letter }: Letter, by: By): Promise<'done' | 'busy'> {
  const wanted = { selection: { numbers: [letter.number] }, expected: 1, isCanary: false, rate: null }
  const { redrives } = subject.operations
  const { outcome } = await redrives.start(subject.running.subscription, wanted, decisionOf(by))
  if (outcome !== 'done' && outcome !== 'repeated') return 'busy'
  // The service's own loop does so within a second; nobody need wait for it.
  await redrives.step(subject.running.subscription)
  return 'done'
}

/** Gives up all dead letters of the services; resolves to how many there were. */
export async function clear(subjects: readonly Subject[], by: By): Promise<number> {
  let cleared = 0
  for (const { operations, running } of subjects) {
    // Others may add to them meanwhile: then what is there is counted again.
    for (let tries = 0; tries < 5; tries++) {
      const count = await operations.deadLetters.count(running.subscription, {}, 'all')
      if (count === 0) break
      const decided = await operations.decisions.discard(running.subscription, {}, count, decisionOf(by))
      if (decided.outcome !== 'done') continue
      cleared += decided.count
      break
    }
  }
  return cleared
}

function decisionOf({ who, reason, requestId }: By) {
  return { who, reason, requestId: requestId ?? randomUUID() }
}
