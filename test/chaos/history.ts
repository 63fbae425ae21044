import type { Recorded } from './client.ts'
import type { TimedEffect } from './evidence.ts'
import type { Planned } from './nemesis.ts'
import type { Evidence, Fault } from './verdict.ts'

/** What the run itself saw, as it went along. */
export interface Witnessed {
  readonly beganMs: number
  readonly operations: Recorded[]
  readonly injuries: (Planned & { readonly beganMs: number })[]
}

/** One page about a failed run: how to replay it, what is wrong, and what happened around it. */
export function page(parts: {
  readonly command: string
  readonly faults: readonly Fault[]
  readonly evidence: Evidence
  readonly witnessed: Witnessed
}): string {
  const { faults, evidence, witnessed } = parts
  const shown = [...new Set(faults.flatMap(({ operations }) => operations))].slice(0, 6)
  return [
    `Replay it: ${parts.command}`,
    'The plan of a seed is the same each time; what it meets is not.',
    '',
    'What is wrong',
    ...faults.map(({ invariant, says, operations }) => `  ${invariant}: ${says} ${showList(operations)}`),
    '',
    'What was done to it',
    ...witnessed.injuries.map(
      ({ beganMs, forMs, injury }) => `  ${seconds(beganMs)} to ${seconds(beganMs + forMs)}  ${JSON.stringify(injury)}`,
    ),
    '',
    'What happened to the first operations that show it',
    ...shown.flatMap((operation) => story(operation, evidence, witnessed)),
    '',
  ].join('\n')
}

function story(operation: number, evidence: Evidence, { operations, beganMs }: Witnessed): readonly string[] {
  const asked = operations.find((each) => each.operation === operation)
  const rows = evidence.committed.filter((each) => each.operation === operation)
  const isTimed = (effect: object): effect is TimedEffect => 'atMs' in effect
  return [
    `  operation ${operation}${asked === undefined ? ', which nobody asked for' : ` of key ${asked.key}, poison: ${asked.poison ?? 'none'}`}`,
    ...(asked === undefined
      ? []
      : [`    asked ${asked.by} at ${seconds(asked.askedMs)}, "${asked.outcome}" at ${seconds(asked.answeredMs)}`]),
    ...rows.map(({ sequence }) => `    committed as number ${sequence} of its key`),
    ...evidence.effects
      .filter((each) => each.operation === operation)
      .map((each) => {
        const at = isTimed(each) ? seconds(each.atMs - beganMs) : '?'
        return `    ${each.service} on ${each.handler}: by ${each.process} at ${at}`
      }),
    ...evidence.setAside
      .filter((each) => each.operation === operation)
      .map(({ service, state }) => `    ${service}: ${state}`),
  ]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function showList(operations: readonly number[]): string {
  return operations.length === 0 ? '' : `(operations ${operations.join(', ')})`
}
