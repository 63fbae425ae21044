export interface Progress {
  /** A new stage of something that has so many parts. */
  stage(name: string, of: number): void
  /** How far the stage is; called as often as one likes. */
  at(done: number): void
  end(): void
}

const width = 30
const quietMs = 2_000

/**
 * Shows how far a stage got once it takes longer than two seconds: a bar on a terminal, a line every five seconds elsewhere. On standard
 * error, so that a report can be piped.
 */
export function progress(to: NodeJS.WriteStream = process.stderr, now = () => performance.now()): Progress {
  let current = { name: '', of: 0, done: 0, begunAt: now(), shownAt: 0 }
  const show = (at: number): void => {
    current.shownAt = at
    const text = progressText(current.name, current.done, current.of, (at - current.begunAt) / 1_000)
    if (!to.isTTY) return void to.write(`${text}\n`)
    const share = current.of === 0 ? 0 : current.done / current.of
    const bar = '█'.repeat(Math.round(share * width)).padEnd(width, '░')
    // Cut to the terminal's width: a line that wraps cannot be taken back.
    to.write(`\r\u001b[2K${`${bar} ${text}`.slice(0, Math.max(20, to.columns - 1))}`)
  }
  const close = (): void => {
    if (current.shownAt === 0) return
    show(now())
    if (to.isTTY) to.write('\n')
  }
  return {
    stage(name, of) {
      close()
      current = { name, of, done: 0, begunAt: now(), shownAt: 0 }
    },
    at(done) {
      current.done = Math.min(done, current.of)
      const at = now()
      if (at - current.begunAt < quietMs) return
      if (at - current.shownAt >= (to.isTTY ? 100 : 5_000)) show(at)
    },
    end: close,
  }
}

/** How far something got, and when it will be through at that pace. */
export function progressText(name: string, done: number, of: number, seconds: number): string {
  const percent = of === 0 ? 100 : Math.floor((done / of) * 100)
  const left = done === 0 || done >= of ? '' : `, ${Math.ceil((seconds / done) * (of - done))} s left`
  return `${name.padEnd(9)} ${done}/${of} ${percent}%, ${seconds.toFixed(0)} s${left}`
}
