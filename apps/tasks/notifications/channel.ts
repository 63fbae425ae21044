import type { Settings } from '../system/settings.ts'

/** A notification on its way. */
export interface Letter {
  readonly id: string
  readonly event_id: string
  readonly recipient_id: string
  /** Null where auth has told of no such account. */
  readonly email: string | null
  readonly kind: string
  readonly task_id: string
  readonly text: string
  readonly correlation_id: string
  readonly traceparent: string | null
}

/** How notifications reach people. */
export interface Channel {
  readonly name: string
  /** Resolves when it is delivered. May be called again for the same letter, whose id is the idempotency key. */
  deliver(letter: Letter): Promise<void>
}

/** A delivery that failed; the message is for people and holds nothing of the letter. */
export class Undelivered extends Error {}

/** The webhook of the settings, else the inbox that /api/notifications shows. */
export function channelOf(settings: Pick<Settings, 'NOTIFY_WEBHOOK_URL' | 'NOTIFY_TIMEOUT_MS'>): Channel {
  const { NOTIFY_WEBHOOK_URL: url, NOTIFY_TIMEOUT_MS: timeoutMs } = settings
  return url === undefined ? inbox : webhook(url, timeoutMs)
}

/** What is written down is in the inbox. */
const inbox: Channel = { name: 'inbox', deliver: () => Promise.resolve() }

function webhook(url: string, timeoutMs: number): Channel {
  return {
    name: 'webhook',
    async deliver({ id, recipient_id, email, kind, task_id, text, correlation_id, traceparent }) {
      const response = await fetch(url, {
        method: 'POST',
        // Elsewhere it was not meant to go.
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': id,
          'x-correlation-id': correlation_id,
          ...(traceparent === null ? {} : { traceparent }),
        },
        body: JSON.stringify({ notification_id: id, recipient: { user_id: recipient_id, email }, kind, task_id, text }),
        signal: AbortSignal.timeout(timeoutMs),
      }).catch((error: unknown) => {
        const isLate = error instanceof Error && error.name === 'TimeoutError'
        throw new Undelivered(isLate ? `no answer within ${timeoutMs} ms` : 'the webhook could not be reached')
      })
      await response.body?.cancel()
      if (!response.ok) throw new Undelivered(`the webhook answered ${response.status}`)
    },
  }
}
