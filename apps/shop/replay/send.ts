import { setTimeout as sleep } from 'node:timers/promises'
import type { Invoice } from '../messages.ts'
import { type DocumentKind, kindOf } from '../orders/document.ts'

export interface SendOptions {
  /** Where the orders service is now; asked for at every try, since it moves when it is restarted. */
  readonly url: () => string
  readonly signal: AbortSignal
  /** Invoices per second at most. */
  readonly rate: number
  readonly atOnce: number
  readonly sent: () => void
}

/** How many documents of each kind were sent, and how many the service refused and why. */
export interface Sent {
  readonly kinds: Readonly<Record<DocumentKind, number>>
  readonly refused: readonly { readonly invoiceNo: string; readonly status: number }[]
  /** Tries beyond the first. */
  readonly retries: number
}

const path = { order: 'orders', return: 'returns', 'write-off': 'write-offs', adjustment: 'adjustments' } as const

/** Sends every invoice to the orders service, several at once, and each again until it is answered for good. */
export async function sendInvoices(invoices: readonly Invoice[], options: SendOptions): Promise<Sent> {
  const kinds = { order: 0, return: 0, 'write-off': 0, adjustment: 0 }
  const refused: { invoiceNo: string; status: number }[] = []
  let retries = 0
  let next = 0
  const begun = performance.now()
  const worker = async (): Promise<void> => {
    while (next < invoices.length && !options.signal.aborted) {
      const at = next++
      const invoice = invoices[at]
      if (invoice === undefined) return
      const dueIn = begun + (at * 1000) / options.rate - performance.now()
      if (dueIn > 1) await sleep(dueIn, undefined, { signal: options.signal }).catch(() => {})
      const kind = kindOf(invoice)
      const { status, tries } = await sendUntilAnswered(`/${path[kind]}`, invoice, options)
      retries += tries - 1
      if (status >= 400) refused.push({ invoiceNo: invoice.invoiceNo, status })
      else kinds[kind] += 1
      options.sent()
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker))
  return { kinds, refused, retries }
}

async function sendUntilAnswered(
  to: string,
  invoice: Invoice,
  { url, signal }: SendOptions,
): Promise<{ status: number; tries: number }> {
  const body = JSON.stringify(invoice)
  const headers = { 'content-type': 'application/json', 'x-correlation-id': `invoice-${invoice.invoiceNo}` }
  for (let tries = 1; ; tries++) {
    if (signal.aborted) return { status: 499, tries }
    try {
      const timely = AbortSignal.any([signal, AbortSignal.timeout(15_000)])
      const response = await fetch(`${url()}${to}`, { method: 'POST', body, headers, signal: timely })
      await response.arrayBuffer()
      // A 5xx is like no answer: the same document may be sent again, the service knows it by its number.
      if (response.status < 500) return { status: response.status, tries }
    } catch {
      // No answer: whether it was stored is unknown, and the next try finds out.
    }
    await sleep(Math.min(1_000, 50 * 2 ** Math.min(tries, 5)), undefined, { signal }).catch(() => {})
  }
}
