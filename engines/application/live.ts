/** Something that is looked at again and again while somebody watches. */
export interface Live {
  /** The newest text, then each that differs, until the signal aborts. */
  watch(signal: AbortSignal, show: (text: string) => Promise<unknown>): Promise<void>
}

/** One look serves everybody who watches, and nobody looks when nobody watches. */
export function live(look: () => Promise<unknown>, everyMs: number): Live {
  let current: Promise<string> | null = null
  const shared = (): Promise<string> => {
    current ??= look()
      .then((seen) => JSON.stringify(seen))
      .finally(() => setTimeout(() => (current = null), everyMs))
    return current
  }
  return {
    async watch(signal, show) {
      let shown: string | null = null
      while (!signal.aborted) {
        // While a database restarts there is nothing new to show.
        const text = await shared().catch(() => shown)
        if (signal.aborted) return
        if (text !== null && text !== shown) await show(text)
        shown = text
        await new Promise((resolve) => setTimeout(resolve, everyMs))
      }
    },
  }
}
