import type { Moved } from './move/move.ts'
import type { Difference, Remark, Total, Verification } from './move/verify.ts'

/** What came of it, for people. */
export function reportText(seen: Verification & Partial<Moved>): string {
  const { held, notes, differences, totals, stuck = [] } = seen
  const did =
    seen.loaded === undefined
      ? []
      : [`${seen.loaded} rows loaded, ${seen.followed} changes followed, ${seen.sentAgain} rows sent again`]
  const lines = [
    ...did,
    `${seen.rows} rows of the monolith compared with what the services have`,
    ...list('Held back, until somebody mends the row', held.map(remarkText)),
    ...list('Moved, and worth a look', notes.map(remarkText)),
    ...list('Not as it should be', [...differences.map(differenceText), ...totals.filter(isWrong).map(totalText)]),
    ...list(
      'Given up by its service: see its dead letters',
      stuck.map(({ service, key, messages }) => `${service} ${key}: ${messages} message(s)`),
    ),
    ...(seen.waiting === undefined || seen.waiting === 0
      ? []
      : [
          '',
          `${seen.waiting} changes of the monolith came meanwhile: run it again, the last time when nobody writes there.`,
        ]),
    '',
    ...totals.filter((total) => !isWrong(total)).map(totalText),
  ]
  return `${lines.join('\n')}\n`
}

const isWrong = ({ isRight }: Total): boolean => !isRight
const remarkText = ({ target, id, reason }: Remark): string => `${target} ${id}: ${reason}`
const differenceText = ({ target, id, kind, what }: Difference): string => `${target} ${id} is ${kind}: ${what}`

function totalText({ target, measure, source, held, moved, isRight }: Total): string {
  return `${isRight ? '=' : '≠'} ${target}, ${measure}: ${source} in the monolith, ${moved} moved, ${held} held back`
}

function list(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title} (${lines.length}):`, ...lines.map((line) => `  ${line}`)]
}
