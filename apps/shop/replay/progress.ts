export interface Progress {
  add(count: number): void
  set(done: number): void
  end(): void
}

/** Shows how far something got: a bar on a terminal, a line every five seconds elsewhere. Writes to standard error. */
export function progress(what: string, total: number): Progress {
  const isTerminal = process.stderr.isTTY === true
  const begun = performance.now()
  let done = 0
  let shownAt = begun
  const show = (now: number): void => {
    shownAt = now
    const seconds = (now - begun) / 1000
    const share = total === 0 ? 1 : done / total
    const left = done === 0 ? '' : `, ${Math.ceil((seconds / done) * (total - done))} s left`
    const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░')
    const text = `${what.padEnd(10)} ${isTerminal ? bar : ''} ${done}/${total} ${Math.floor(share * 100)}%, ${seconds.toFixed(0)} s${left}`
    process.stderr.write(isTerminal ? `\r\u001b[2K${text}` : `${text}\n`)
  }
  const move = (to: number): void => {
    done = Math.min(total, to)
    const now = performance.now()
    if (now - shownAt >= (isTerminal ? 100 : 5_000)) show(now)
  }
  return {
    add: (count) => move(done + count),
    set: move,
    end() {
      show(performance.now())
      if (isTerminal) process.stderr.write('\n')
    },
  }
}
