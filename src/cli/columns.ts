import { safeText } from './safe-text.ts'

export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => string | number | bigint | null
  readonly align?: 'left' | 'right'
}

/**
 * Lays rows out in columns, a line each, under their titles. Cells are made safe for a terminal; a line longer than
 * `width` is cut (null: never). No rows: the titles alone.
 */
export function columns<Row>(rows: readonly Row[], of: readonly Column<Row>[], width: number | null): string {
  const cells = [
    of.map(({ title }) => title),
    ...rows.map((row) => of.map((column) => safeText(String(column.of(row) ?? '-')))),
  ]
  const widths = of.map((_, at) => Math.max(...cells.map((line) => displayWidth(line[at] ?? ''))))
  const lines = cells.map((line) =>
    of
      .map(({ align }, at) => pad(line[at] ?? '', widths[at] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => (width === null ? line : cut(line, width))).join('\n')
}

/** Names and values below each other, for one thing. */
export function fields(of: Readonly<Record<string, string | number | bigint | null>>): string {
  const width = Math.max(...Object.keys(of).map((name) => name.length))
  return Object.entries(of)
    .map(([name, value]) => `${name.padEnd(width)}  ${safeText(String(value ?? '-'))}`)
    .join('\n')
}

/** Cells of a terminal that a text takes: wide characters take two, marks that join another one none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        character,
      )
        ? 2
        : 1
  }
  return width
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'right' ? space + text : text + space
}

function cut(line: string, width: number): string {
  if (displayWidth(line) <= width) return line
  let kept = ''
  for (const character of line) {
    if (displayWidth(kept + character) > width - 1) break
    kept += character
  }
  return `${kept}…`
}
