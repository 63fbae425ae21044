export interface Progress {
  done(): number
  /** How far it is now; `total` when that has changed. */
  set(done: number, total?: number): void
  end(): void
}

const barWidth = 30

/** Shows how far something got: a bar on a terminal, a line every five seconds elsewhere. Writes to standard error. */
export function progress(what: string, of: number, to: NodeJS.WriteStream = process.stderr): Progress {
  const begun = performance.now()
  let done = 0
  let total = of
  let shownAt = begun
  const show = (now: number): void => {
    shownAt = now
    const text = progressText(what, done, total, (now - begun) / 1000)
    if (!to.isTTY) return void to.write(`${text}\n`)
    const bar = '█'.repeat(Math.round(shareOf(done, total) * barWidth)).padEnd(barWidth, '░')
    // Cut to the terminal's width: a line that wraps cannot be taken back.
    to.write(`\r\u001b[2K${`${bar} ${text}`.slice(0, Math.max(20, to.columns - 1))}`)
  }
  return {
    done: () => done,
    set(now, newTotal = total) {
      done = Math.min(now, newTotal)
      total = newTotal
      const at = performance.now()
      if (at - shownAt >= (to.isTTY ? 100 : 5_000)) show(at)
    },
    end() {
      show(performance.now())
      if (to.isTTY) to.write('\n')
    },
  }
}

/** How far something got, how fast, and when it will be through at that pace. */
export function progressText(what: string, done: number, total: number, seconds: number): string {
  const percent = Math.floor(shareOf(done, total) * 100)
  const left = done === 0 || done === total ? '' : `, ${Math.ceil((seconds / done) * (total - done))} s left`
  return `${what.padEnd(9)} ${done}/${total} ${percent}%, ${seconds.toFixed(0)} s${left}`
}

function shareOf(done: number, total: number): number {
  return total === 0 ? 1 : done / total
}
