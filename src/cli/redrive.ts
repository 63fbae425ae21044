import { type Item, number, text } from './answer.ts'
import { fields } from './columns.ts'
import type { Outcome } from './command.ts'

/** One job, for people. */
export function redriveFields(service: string, job: Item): string {
  return fields({
    redrive: `${service}/${text(job, 'number')}`,
    state: text(job, 'state'),
    'asked for by': text(job, 'requestedBy'),
    applied: number(job, 'applied'),
    'failed again': number(job, 'failed'),
    'under way': number(job, 'released'),
    pending: number(job, 'pending'),
    cancelled: number(job, 'cancelled'),
  })
}

/** True when nothing more happens to it by itself. */
export function redriveIsOver(job: Item): boolean {
  return ['done', 'stopped', 'cancelled'].includes(text(job, 'state'))
}

/** How an ended job counts: partial when some failed again or were not tried. */
export function redriveOutcome(service: string, job: Item, said: string): Outcome {
  const isWhole = text(job, 'state') === 'done' && number(job, 'failed') === 0
  const message = `${number(job, 'failed')} failed again, ${number(job, 'pending') + number(job, 'cancelled')} were not tried.`
  const diagnostic = {
    ...({ code: 'PARTIAL', severity: 'error', message } as const),
    hint: `estafet dead-letters groups --service ${service} shows why.`,
  }
  return {
    data: { service, ...job },
    text: said,
    exit: isWhole ? 'ok' : 'partial',
    diagnostics: isWhole ? [] : [diagnostic],
  }
}
