import { type MemoryTransaction, memoryDatabase } from '../drivers/memory/database.ts'
import { seededRandom } from '../drivers/memory/random.ts'
import { memorySagaSearch } from '../drivers/memory/saga-search.ts'
import { memorySagas } from '../drivers/memory/sagas.ts'
import { memorySession } from '../drivers/memory/session.ts'
import { memoryUnitOfWork } from '../drivers/memory/unit-of-work.ts'
import type { OutgoingMessage, StoredMessage } from '../message/message.ts'
import { prepare } from '../outbox/prepare.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { SagaStatus, StepState } from '../ports/sagas.ts'
import { turnDue } from '../runtime/saga-loop.ts'
import { macrotask } from '../runtime/world.ts'
import { begin, type SagaParts } from '../saga/advance.ts'
import { definitionsOf } from '../saga/definitions.ts'
import type { Saga } from '../saga/saga.ts'
import { sagaHandlers } from '../saga/saga-handlers.ts'
import type { Steps } from '../saga/steps.ts'
import { type OpenParticipant, type Participant, silent } from './participant.ts'

/** What befalls messages between services; each chance is from 0 to 1. */
export interface RehearsalNetwork {
  readonly seed: number
  readonly lose?: number
  readonly double?: number
  /** The longest time that a message takes; it is drawn for each. */
  readonly delayMs?: number
}

export interface RehearsalOptions<Input> {
  readonly input: Input
  /** Who is asked. What nobody does is never answered. */
  readonly given: readonly Participant[]
  /**
   * What local steps come to, by name, in the place of their work, which is then not done; nor is its undo. Work that is not
   * named here is given a transaction of the memory database.
   */
  readonly local?: Readonly<Record<string, (input: Input) => unknown>>
  /** Events that come, so long after the beginning. */
  readonly events?: readonly { readonly afterMs: number; readonly event: OutgoingMessage }[]
  /** The process is killed in this turn, before it commits; from 1. (Default: never.) */
  readonly crashAt?: number
  readonly network?: RehearsalNetwork
}

/** How a rehearsal ended. */
export interface Rehearsed {
  /** Still running or compensating: nothing of it would ever have been due again, or it did not end in 1,000 days and 1,000 turns. */
  readonly status: SagaStatus
  readonly result: unknown
  readonly failure: string | null
  /** Whether a person was asked to look when it stopped. */
  readonly attention: string | null
  /** By name. */
  readonly steps: Readonly<Record<string, StepState>>
  /** Types of the commands sent, in order. */
  readonly sent: readonly string[]
  /** By name of step, how often it has effect where it was asked for: 1 or 0. */
  readonly effects: Readonly<Record<string, number>>
  /** In the virtual time. */
  readonly tookMs: number
  readonly turns: number
}

const id = 'rehearsal'
const patienceMs = 1_000 * 86_400_000
const mostTurns = 1_000
const redeliverMs = 1_000
const epoch = 'rehearsal'

class Killed extends Error {}

/**
 * Runs a saga against scripted participants, in virtual time: `rehearse(Trip, { input, given: [does(ReserveRoom, ...)] })`. The
 * turns, the journal and the fences are those of production, over memory; days pass in milliseconds. Throws what the saga's function
 * throws for ever as `attention`, and never by itself.
 */
export async function rehearse<Input, Result>(
  saga: Saga<never, Input, Result>,
  options: RehearsalOptions<Input>,
): Promise<Rehearsed> {
  const startMs = 1_700_000_000_000
  let nowMs = startMs
  const clock: Clock = { now: () => nowMs, sleep: () => new Promise(() => {}) }
  const random = seededRandom(options.network?.seed ?? 1)
  const database = memoryDatabase(clock)
  const session = memorySession(database)
  const unitOfWork = memoryUnitOfWork(session)
  const search = memorySagaSearch(session)
  const definition = scripted(saga, options)
  const definitions = definitionsOf([definition])
  const parts: SagaParts<MemoryTransaction> = {
    ...{ sagas: memorySagas(session), service: 'rehearsal', definitions, answered: new Map(), settle: macrotask },
  }
  const participants = options.given.map((each) => ({ opened: each.open(clock), lost: each.lostReplies, ...each }))
  // By what comes to them: a command's messages are called as the command says.
  const asked = new Map(participants.flatMap((each) => each.opened.types.map((type) => [type, each])))
  const flight = network({ clock, random, ...options.network })
  const sent: string[] = []
  let handlers = sagaHandlers(parts, [definition])
  let turns = 0

  function kill(): void {
    turns += 1
    if (turns === options.crashAt) throw new Killed('killed, as scripted')
  }

  const post = (message: OutgoingMessage): void => {
    sent.push(message.type)
    const to = asked.get(message.type)
    flight.send(stored(message, { clock, random }), to?.type === message.type ? to.takesMs : 0)
  }

  const reply = (from: (typeof participants)[number], message: OutgoingMessage): void => {
    if (from.lost-- > 0) return
    flight.send(stored(message, { clock, random }), 0)
  }

  /** One transaction of the saga's service. */
  async function inTransaction(work: (within: Within) => Promise<unknown>): Promise<void> {
    const outgoing: OutgoingMessage[] = []
    const context = { log: silent, signal: new AbortController().signal }
    await unitOfWork.run(
      (tx) => work({ ...context, tx, publish: (...messages) => void outgoing.push(...messages) }),
      async () => kill(),
    )
    outgoing.forEach(post)
  }

  async function deliver(message: StoredMessage): Promise<void> {
    const at = asked.get(message.type)
    try {
      if (at !== undefined) for (const said of await at.opened.take(message)) reply(at, said)
      const handler = handlers.find(({ type }) => type === message.type)
      if (handler !== undefined) await inTransaction((context) => handler.run([message], context))
    } catch (error) {
      // As after a crash: what the process knew is gone, and the message comes again.
      if (error instanceof Killed) handlers = sagaHandlers(parts, [definition])
      flight.again(message, error instanceof Killed ? 0 : redeliverMs)
    }
  }

  const store = {
    unitOfWork: { run: killing(unitOfWork, kill) },
    prepare: (messages: readonly OutgoingMessage[]) => async (tx: MemoryTransaction) =>
      tx.atCommit(() => messages.forEach(post)),
  }
  const loop = { ...parts, store, clock, random, logger: silent, turnsAtOnce: 1, lookMs: 1, backOff: saga.backOff }
  const versions = [{ type: saga.type, version: saga.version }]
  const isDueAt = async (): Promise<number | null> => {
    const dueAt = (await search.show(id))?.dueAt ?? null
    return dueAt === null ? null : Math.max(nowMs, Date.parse(dueAt))
  }

  const first = (): Promise<void> =>
    inTransaction((context) => begin(parts, context, definition, id, options.input).then(() => {}))
  await first().catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error
    return first()
  })
  for (const { afterMs, event } of options.events ?? [])
    flight.sendAt(stored(event, { clock, random }), startMs + afterMs)

  while (turns < mostTurns) {
    const message = flight.nextAt()
    const due = await isDueAt()
    const at = Math.min(message ?? Number.POSITIVE_INFINITY, due ?? Number.POSITIVE_INFINITY)
    if (at === Number.POSITIVE_INFINITY || at > startMs + patienceMs) break
    nowMs = Math.max(nowMs, at)
    if (message !== null && message <= nowMs) await deliver(flight.take())
    else await turnDue(loop, versions, new AbortController().signal).catch(() => {})
  }
  const shown = await search.show(id)
  return {
    ...{
      status: shown?.status ?? 'running',
      result: JSON.parse(shown?.result ?? 'null'),
      failure: shown?.failure ?? null,
    },
    ...{ attention: shown?.attention ?? null, sent, turns, tookMs: Date.parse(shown?.progressedAt ?? '') - startMs },
    steps: Object.fromEntries((shown?.steps ?? []).map(({ name, state }) => [name, state])),
    effects: effectsOf(participants.map(({ opened }) => opened)),
  }
}

type Within = Parameters<typeof begin<MemoryTransaction, unknown, unknown>>[1]

function killing(unitOfWork: ReturnType<typeof memoryUnitOfWork>, kill: () => void): typeof unitOfWork.run {
  return (work, last) =>
    unitOfWork.run(work, async (tx) => {
      await last?.(tx)
      kill()
    })
}

/** Rehearses a saga once without a crash, and once with one in each of its turns; all must end alike. */
export async function rehearseCrashes<Input, Result>(
  saga: Saga<never, Input, Result>,
  options: RehearsalOptions<Input>,
): Promise<readonly Rehearsed[]> {
  const calm = await rehearse(saga, options)
  const all: Rehearsed[] = [calm]
  for (let crashAt = 1; crashAt <= calm.turns; crashAt++) all.push(await rehearse(saga, { ...options, crashAt }))
  return all
}

/** Work that needs another transaction than memory's is what `local` is for. */
function scripted<Input, Result>(
  saga: Saga<never, Input, Result>,
  { local = {}, input }: RehearsalOptions<Input>,
): Saga<MemoryTransaction, Input, Result> {
  const steps = (own: Steps<MemoryTransaction>): Steps<MemoryTransaction> => ({
    ...own,
    run(name, work, more) {
      const script = local[name]
      if (script === undefined) return own.run(name, work, more)
      return own.run(name, async () => script(input) as Awaited<ReturnType<typeof work>>, {
        ...more,
        ...(more?.undo === undefined ? {} : { undo: async () => {} }),
      })
    },
  })
  return { ...saga, run: (own, ...given) => saga.run(steps(own) as Steps<never>, ...given) }
}

interface Flight {
  send(message: StoredMessage, afterMs: number): void
  sendAt(message: StoredMessage, at: number): void
  again(message: StoredMessage, afterMs: number): void
  nextAt(): number | null
  take(): StoredMessage
}

function network({
  clock,
  random,
  lose = 0,
  double = 0,
  delayMs = 0,
}: Partial<RehearsalNetwork> & { readonly clock: Clock; readonly random: Random }): Flight {
  const waiting: { readonly at: number; readonly message: StoredMessage }[] = []
  const put = (message: StoredMessage, at: number): void => {
    waiting.push({ message, at })
    waiting.sort((a, b) => a.at - b.at)
  }
  return {
    send(message, afterMs) {
      const copies = 1 + (random.fraction() < double ? 1 : 0)
      for (let copy = 0; copy < copies; copy++) {
        if (random.fraction() >= lose) put(message, clock.now() + afterMs + Math.floor(random.fraction() * delayMs))
      }
    },
    sendAt: put,
    again: (message, afterMs) => put(message, clock.now() + afterMs),
    nextAt: () => waiting[0]?.at ?? null,
    take() {
      const next = waiting.shift()
      if (next === undefined) throw new Error('No message is on its way.')
      return next.message
    },
  }
}

function stored(message: OutgoingMessage, world: { readonly clock: Clock; readonly random: Random }): StoredMessage {
  const [encoded] = prepare([message], world)
  if (encoded === undefined) throw new Error('A message was not encoded.')
  return { ...encoded, source: 'rehearsal', epoch, position: 1n, time: new Date(world.clock.now()).toISOString() }
}

function effectsOf(all: readonly OpenParticipant[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const participant of all) {
    for (const [step, sum] of participant.effects()) sums[step.slice(`saga:rehearsal:${id}:`.length)] = sum
  }
  return sums
}
