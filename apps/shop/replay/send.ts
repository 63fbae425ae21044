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
  /** How long one invoice is sent again and again before it counts as refused. */
  readonly patienceMs: number
  readonly sent: () => void
}

/** How many documents of each kind were taken, and which ones were not. */
export interface Sent {
  readonly kinds: Readonly<Record<DocumentKind, number>>
  /** By its HTTP status; 0 stands for no answer at all. */
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
  const begun = performance.now()
  // One iterator for all workers: each takes the next invoice when it is free.
  const queue = invoices.entries()
  const worker = async (): Promise<void> => {
    for (const [at, invoice] of queue) {
      const dueIn = begun + (at * 1000) / options.rate - performance.now()
      if (dueIn > 1) await sleep(dueIn, undefined, { signal: options.signal }).catch(() => {})
      if (options.signal.aborted) return
      const kind = kindOf(invoice)
      const { status, tries } = await sendUntilAnswered(`/${path[kind]}`, invoice, options)
      retries += tries - 1
      if (status >= 200 && status < 300) kinds[kind] += 1
      else refused.push({ invoiceNo: invoice.invoiceNo, status })
      options.sent()
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker))
  return { kinds, refused, retries }
}

async function sendUntilAnswered(
  to: string,
  invoice: Invoice,
  { url, signal, patienceMs }: SendOptions,
): Promise<{ status: number; tries: number }> {
  const body = JSON.stringify(invoice)
  const headers = { 'content-type': 'application/json', 'x-correlation-id': `invoice-${invoice.invoiceNo}` }
  const deadline = performance.now() + patienceMs
  for (let tries = 1; ; tries++) {
    let status = 0
    try {
      const timely = AbortSignal.any([signal, AbortSignal.timeout(15_000)])
      const response = await fetch(`${url()}${to}`, { method: 'POST', body, headers, signal: timely })
      await response.arrayBuffer()
      status = response.status
    } catch {
      // No answer: whether it was stored is unknown, and the next try finds out.
    }
    // A 5xx is like no answer: the same document may be sent again, the service knows it by its number.
    const isFinal = status > 0 && status < 500
    if (isFinal || signal.aborted || performance.now() > deadline) return { status, tries }
    await sleep(Math.min(1_000, 50 * 2 ** Math.min(tries, 5)), undefined, { signal }).catch(() => {})
  }
}
