/** What somebody may have meant by a word that is not known: the nearest one, or null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  const begun = word.length >= 3 ? known.find((each) => each.startsWith(word)) : undefined
  if (begun !== undefined) return begun
  const ranked = known.map((each) => ({ each, edits: edits(word, each) })).sort((a, b) => a.edits - b.edits)
  const [best] = ranked
  return best !== undefined && best.edits <= Math.max(1, Math.floor(word.length / 3)) ? best.each : null
}

/** How many letters must be put in, left out, changed or swapped with their neighbour to make one word the other. */
export function edits(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const at = (up: number, left: number): number => (up === 0 ? row : rows[i - up])?.[j - left] ?? 0
      const isEqual = from[i - 1] === to[j - 1]
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row.push(Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + (isEqual ? 0 : 1), isSwap ? at(2, 2) + 1 : Infinity))
    }
    rows.push(row)
  }
  return rows[from.length]?.[to.length] ?? 0
}
