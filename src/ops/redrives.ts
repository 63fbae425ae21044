import type { Redrive } from '../ports/redrives.ts'
import type { Call, RouteHandler } from './call.ts'
import { decisionOf, refuseUndone, selectionOf } from './deciding.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { Refusal } from './refusal.ts'

export const redrives: RouteHandler = async ({ params, running, operations }) =>
  pageAnswer(await operations.redrives.list(running.subscription, pageOf(params)), redriveView)

export const redrive: RouteHandler = async (call) => redriveView(await jobOf(call, call.params.number('number')))

export const startRedrive: RouteHandler = async (call) => {
  const { params, running, operations } = call
  const [selection, expected] = [selectionOf(call), params.count('expect')]
  if (expected === null) {
    const count = await operations.deadLetters.count(running.subscription, selection, 'free')
    return { outcome: 'preview', count }
  }
  const rate = params.count('rate')
  if (rate === 0) throw new Refusal('INVALID_REQUEST', 'The rate must be 1 or more.')
  const wanted = { selection, expected, isCanary: params.flag('isCanary'), rate }
  const decided = await operations.redrives.start(running.subscription, wanted, decisionOf(call))
  refuseUndone(decided, 'free dead letters')
  const job = await jobOf(call, decided.number)
  // The same selection in another way is another request.
  if (job.isCanary !== wanted.isCanary || job.rate !== rate) refuseUndone({ ...decided, outcome: 'reused' }, 'jobs')
  return { outcome: decided.outcome, count: decided.count, ...redriveView(job) }
}

export const pauseRedrive: RouteHandler = (call) => change(call, 'paused')
export const resumeRedrive: RouteHandler = (call) => change(call, 'running')
export const cancelRedrive: RouteHandler = (call) => change(call, 'cancelled')

async function change(call: Call, to: 'paused' | 'running' | 'cancelled'): Promise<object> {
  const { params, running, operations, caller } = call
  const number = params.number('number') ?? 0n
  const by = { who: caller.name, reason: params.text('reason') }
  const { outcome, state } = await operations.redrives.change(running.subscription, number, to, by)
  if (outcome === 'missing') throw new Refusal('NOT_FOUND', 'There is no redrive with this number.')
  if (outcome === 'changed') throw new Refusal('CHANGED', `The redrive is over: it is ${state}. Nothing was done.`)
  return { number, state, outcome }
}

async function jobOf({ running, operations }: Call, number: bigint | null): Promise<Redrive> {
  // The newest that is not newer than it.
  const page = { after: (number ?? 0n) + 1n, limit: 1 }
  const [found] = (await operations.redrives.list(running.subscription, page)).items
  if (found?.number !== number || found === undefined)
    throw new Refusal('NOT_FOUND', 'There is no redrive with this number.')
  return found
}

function redriveView({ selection, ...job }: Redrive): object {
  const asked: unknown = JSON.parse(selection)
  return { ...job, selection: asked }
}
