import { EstafetError } from '../message/errors.ts'
import type { NextStep } from '../ports/parking.ts'
import { type BackOff, backOffMs } from './back-off.ts'
import { errorName } from './failure.ts'

/** What to do about some errors of a handler: at once, then later, then not any more. */
export interface RetryRule {
  /**
   * Which errors it is for: class names or codes, or a test. Left out: every error that does not say `never`.
   */
  readonly errors?: readonly string[] | ((error: unknown) => boolean)
  /** Tries again at once, while the lane waits. (Default: 1.) */
  readonly immediate?: number
  /** Tries later, while only the message's key waits; by the database's clock. (Default: 10.) */
  readonly delayed?: number
  /** Waits between those. (Default: 1 s to 5 minutes, of which up to half is jitter.) */
  readonly backOff?: BackOff
  /** Once all of that failed. (Default: the handler's `whenDead`.) */
  readonly whenDead?: WhenDead
}

/**
 * What happens to the key of a dead letter: `block` keeps its later messages waiting for a person, in order; `skip` lets
 * them go on without it.
 */
export type WhenDead = 'block' | 'skip'

/** A rule with nothing left out. */
export interface CompleteRule {
  readonly matches: (error: unknown) => boolean
  readonly immediate: number
  readonly delayed: number
  readonly backOff: BackOff
  readonly whenDead: WhenDead
}

/** What a timer can hold; nearly 25 days. */
export const longestWaitMs = 2 ** 31 - 1

const standardBackOff: BackOff = { firstMs: 1_000, maxMs: 300_000 }

/**
 * The rules of a handler, first match first: its own, then the standard ones. Those are: what says `never` is dead at
 * once; a conflict of transactions is tried 3 times at once and 20 times later; anything else once at once and 10 times
 * later, which takes between 13 and 26 minutes.
 *
 * Throws MISCONFIGURED for a negative or broken number.
 */
export function completeRules(own: readonly RetryRule[], whenDead: WhenDead): readonly CompleteRule[] {
  const standard: readonly RetryRule[] = [
    { errors: saysNever, immediate: 0, delayed: 0 },
    { errors: ['CONFLICT'], immediate: 3, delayed: 20, backOff: { firstMs: 50, maxMs: 30_000 } },
    {},
  ]
  return [...own, ...standard].map((rule) => complete(rule, whenDead))
}

/** The first rule for an error. There is one: the last matches all that those before it leave. */
export function ruleFor(rules: readonly CompleteRule[], error: unknown): CompleteRule {
  return rules.find((rule) => rule.matches(error)) ?? complete({}, 'block')
}

/** What to do after a failure, with `delayedTries` made later so far. `fraction` in [0, 1) is the jitter's chance. */
export function nextStep(rule: CompleteRule, delayedTries: number, fraction: number): NextStep {
  if (delayedTries >= rule.delayed) return { kind: 'dead', blocks: rule.whenDead === 'block' }
  return { kind: 'retry', afterMs: backOffMs(rule.backOff, delayedTries + 1, fraction), isCounted: true }
}

/** Says for people how often and how long a rule tries: "1 + 1 at once + 10 later within 26 min, then its key waits". */
export function budgetText(rule: CompleteRule): string {
  const waits = Array.from({ length: rule.delayed }, (_, at) => backOffMs(rule.backOff, at + 1, 1))
  const seconds = Math.round(waits.reduce((sum, wait) => sum + wait, 0) / 1000)
  const within = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  const later = rule.delayed === 0 ? '' : ` + ${rule.delayed} later within ${within}`
  const end = rule.whenDead === 'block' ? 'its key waits for a person' : 'its key goes on without it'
  return `1 + ${rule.immediate} at once${later}, then a dead letter and ${end}`
}

/** Tells whether a failure under this rule is a verdict about the message, and no sign of a dependency in trouble. */
export function isVerdict(rule: CompleteRule): boolean {
  return rule.delayed === 0
}

/** A user's test that throws, as on an error of another shape than it expects, does not fit. */
function isSo(test: (error: unknown) => boolean, error: unknown): boolean {
  try {
    return test(error)
  } catch {
    return false
  }
}

/** Tells whether an error says of itself that trying again is of no use. */
export function saysNever(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retry' in error && error.retry === 'never'
}

function complete(rule: RetryRule, otherwise: WhenDead): CompleteRule {
  const { errors, immediate = 1, delayed = 10, backOff = standardBackOff, whenDead = otherwise } = rule
  const isCount = (number: number): boolean => Number.isInteger(number) && number >= 0 && number <= 1_000
  const isWait = backOff.firstMs >= 0 && backOff.maxMs >= backOff.firstMs && backOff.maxMs <= longestWaitMs
  if (!isCount(immediate) || !isCount(delayed) || !isWait) {
    throw new EstafetError(
      'MISCONFIGURED',
      'A retry rule needs whole numbers from 0 to 1000 for immediate and delayed, and waits that grow.',
    )
  }
  return { matches: matcher(errors), immediate, delayed, backOff, whenDead }
}

function matcher(errors: RetryRule['errors']): (error: unknown) => boolean {
  if (errors === undefined) return (error) => !saysNever(error)
  if (typeof errors === 'function') return (error) => isSo(errors, error)
  return (error) =>
    errorName(error)
      .split(' ')
      .some((name) => errors.includes(name))
}
