import { setTimeout as sleep } from 'node:timers/promises'
import { isEstafetError, type Logger } from 'estafet'
import type { PostgresStore } from 'estafet/postgres'
import { NotificationFailed, NotificationSent } from '../messages.ts'
import { type Channel, type Letter, Undelivered } from './channel.ts'

/** Sends what is pending, until `stop`. */
export interface Delivery {
  stop(): Promise<void>
}

/** Waits so long, less when the signal is aborted; never rejects. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

const attemptsAtMost = 3
const atOnce = 20

/** Longer than any attempt: what is not settled by then was in the hands of a process that ended. */
const claimSeconds = 90
const idleMs = 100

/** While its database fails, the pause doubles to this. */
const pauseAtMostMs = 10_000

interface Claimed extends Letter {
  readonly attempts: number
}

/**
 * Delivers notifications after the commit that made them, and publishes what became of each in the transaction that writes
 * it down. An attempt is counted before it is made: there are never more than 3, whenever the process ends; one whose
 * outcome was lost may have reached the recipient, who knows it by the idempotency key. While its database fails it looks,
 * and says so, less and less often.
 */
export function startDelivery(
  store: PostgresStore,
  channel: Channel,
  { logger, pause = waited }: { readonly logger: Logger; readonly pause?: Pause },
): Delivery {
  const stopping = new AbortController()
  const loop = async (): Promise<void> => {
    let failures = 0
    while (!stopping.signal.aborted) {
      let count = 0
      try {
        const claimed = await claim(store)
        count = claimed.length
        await Promise.all(claimed.map((letter) => deliver(store, channel, letter, logger)))
        failures = 0
      } catch (error) {
        failures += 1
        const forMs = pauseMs(failures)
        logger.warn('notifications wait', { error: isEstafetError(error) ? error.code : 'unknown', for_ms: forMs })
        // Also after a full claim: what could not be settled would be claimed and sent again at once.
        count = 0
      }
      if (count < atOnce) await pause(pauseMs(failures), stopping.signal)
    }
  }
  const ended = loop()
  return {
    stop() {
      stopping.abort()
      return ended
    },
  }
}

/** The pause after so many failures in a row; after none, that of a delivery with nothing to do. */
export function pauseMs(failures: number): number {
  // 2 ** 20 is far beyond the longest pause already.
  return Math.min(pauseAtMostMs, idleMs * 2 ** Math.min(20, failures))
}

const waited: Pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})

async function claim(store: PostgresStore): Promise<readonly Claimed[]> {
  const { rows } = await store.transaction((tx) =>
    tx.query<Claimed>(
      `UPDATE notification n SET attempts = attempts + 1, try_after = clock_timestamp() + make_interval(secs => $1)
      WHERE id IN (
        SELECT id FROM notification WHERE status = 'pending' AND try_after <= clock_timestamp()
        ORDER BY try_after LIMIT $2 FOR UPDATE SKIP LOCKED
      )
      RETURNING id, event_id, recipient_id, kind, task_id, text, correlation_id, traceparent, attempts,
        (SELECT u.email FROM known_user u WHERE u.id = n.recipient_id) AS email`,
      [claimSeconds, atOnce],
    ),
  )
  return rows
}

async function deliver(store: PostgresStore, channel: Channel, letter: Claimed, logger: Logger): Promise<void> {
  const error = await attempt(channel, letter)
  const isLast = letter.attempts >= attemptsAtMost
  const status = error === null ? 'sent' : isLast ? 'failed' : 'pending'
  await settle(store, channel, letter, { status, error })
  const { id, correlation_id } = letter
  const attempts = Math.min(letter.attempts, attemptsAtMost)
  logger.info('notification', { notification_id: id, status, error, attempts, correlation_id })
}

/** What was wrong; null if nothing. */
async function attempt(channel: Channel, letter: Claimed): Promise<string | null> {
  if (letter.attempts > attemptsAtMost) return 'the outcome of the last attempt was lost'
  try {
    await channel.deliver(letter)
    return null
  } catch (error) {
    return error instanceof Undelivered ? error.message : 'unknown'
  }
}

async function settle(
  store: PostgresStore,
  channel: Channel,
  { attempts, ...letter }: Claimed,
  { status, error }: { readonly status: 'sent' | 'failed' | 'pending'; readonly error: string | null },
): Promise<void> {
  await store.transaction(async (tx, publish) => {
    const settled = await tx.query(
      `UPDATE notification SET status = $2::text, last_error = coalesce($3, last_error), attempts = least(attempts, $4),
        settled_at = CASE WHEN $2 = 'pending' THEN NULL ELSE clock_timestamp() END,
        try_after = clock_timestamp() + make_interval(secs => $5)
      WHERE id = $1 AND status = 'pending'`,
      [letter.id, status, error, attemptsAtMost, 0.2 * 4 ** (attempts - 1)],
    )
    if (settled.rowCount === 0 || status === 'pending') return
    const { id: notification_id, recipient_id, event_id, correlation_id: correlationId } = letter
    const traceparent = letter.traceparent ?? undefined
    const data = { notification_id, recipient_id, event_id, channel: channel.name }
    const context = { correlationId, traceparent, causationId: event_id }
    if (error === null) publish(NotificationSent(data, context))
    else publish(NotificationFailed({ ...data, error, attempts: Math.min(attempts, attemptsAtMost) }, context))
  })
}
