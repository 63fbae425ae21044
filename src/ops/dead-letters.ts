import type { DeadLetter, DeadLetterHistory } from '../ports/dead-letters.ts'
import type { Call, RouteHandler } from './call.ts'
import { contentOf, dataOf, textOf } from './content.ts'
import { selectionOf } from './deciding.ts'
import { differences } from './difference.ts'
import { maskData, withSealed } from './mask.ts'
import { pageAnswer, pageOf } from './paging.ts'
import { Refusal } from './refusal.ts'
import { maskFor } from './visible.ts'

export const deadLetterGroups: RouteHandler = async ({ params, running, operations }) =>
  pageAnswer(await operations.deadLetters.groups(running.subscription, pageOf(params)), (group) => group)

export const deadLetters: RouteHandler = async (call) => {
  const { params, running, operations } = call
  const page = { ...pageOf(params), isWithPayload: false }
  return pageAnswer(await operations.deadLetters.list(running.subscription, selectionOf(call), page), letterView)
}

export const deadLetter: RouteHandler = async (call) => {
  const found = await letterOf(call)
  return { ...letterView(found), replacedBy: found.replacedBy, history: found.history }
}

export const deadLetterPayload: RouteHandler = async (call) => {
  const { number, type, headers, payload } = await letterOf(call)
  return { number, type, headers, ...contentOf(payload, maskFor(call, type)) }
}

export const deadLetterDiff: RouteHandler = async (call) => {
  const named = await letterOf(call)
  const [old, now] =
    named.replacedBy === null
      ? [await other(call, named.replaces), named]
      : [named, await other(call, named.replacedBy)]
  const [before, after] = [old, now].map(({ payload }) => dataOf(textOf(payload) ?? ''))
  const mask = withSealed(maskFor(call, now.type), before?.value, after?.value)
  // What is no JSON has no fields that could be compared, or hidden one by one.
  const isWhole = mask === null || before === null || after === null
  const changes = isWhole
    ? [{ field: '(root)', before: contentOf(old.payload, mask), after: contentOf(now.payload, mask) }]
    : hidden(differences(before?.value, after?.value), maskedDifferences(before?.value, after?.value, mask))
  return { number: now.number, replaces: old.number, changes }
}

/** The message that a request names. Throws NOT_FOUND. */
export async function letterOf(call: Call): Promise<DeadLetterHistory> {
  return find(call, call.params.number('number') ?? 0n)
}

async function other(call: Call, number: bigint | null): Promise<DeadLetterHistory> {
  if (number === null) throw new Refusal('NOT_FOUND', 'This message was not edited.')
  return find(call, number)
}

async function find({ running, operations }: Call, number: bigint): Promise<DeadLetterHistory> {
  const found = await operations.deadLetters.find(running.subscription, number)
  if (found === null) throw new Refusal('NOT_FOUND', 'There is no dead letter with this number.')
  return found
}

/** What may be seen of a message without its content. */
export function letterView({ payload: _, headers: __, ...letter }: DeadLetter): object {
  return letter
}

type Differences = ReturnType<typeof differences>

function maskedDifferences(before: unknown, after: unknown, mask: readonly string[]): Differences {
  return differences(maskData(before, mask), maskData(after, mask))
}

/** All that differ, those that a mask hides without their values: that they were changed is no secret. */
function hidden(all: Differences, visible: Differences): readonly object[] {
  const seen = new Map(visible.map((each) => [each.field, each]))
  return all.map(({ field }) => seen.get(field) ?? { field, before: '***', after: '***' })
}
