import { type ServiceName, serviceNames } from '../system/services.ts'
import type { Actual, EventFigures } from './actual.ts'
import type { Audit } from './audits.ts'
import { decimalText, tenThousandths } from './expected.ts'
import type { ByCountry, Figures } from './figures.ts'

/** The file and the four databases, side by side. */
export interface Reconciliation {
  readonly isEqual: boolean
  /** True when whatever is not equal is named by the events that are parked: nothing is lost or doubled. */
  readonly isExplained: boolean
  readonly file: Figures
  readonly services: readonly { readonly name: ServiceName; readonly figures: Figures; readonly isEqual: boolean }[]
  readonly countries: readonly {
    readonly country: string
    readonly file: Figures
    /** By service, where it differs. */
    readonly differences: Readonly<Partial<Record<ServiceName, Figures>>>
  }[]
  readonly events: readonly ({ readonly name: ServiceName; readonly published: number } & EventFigures)[]
  readonly audits: readonly Audit[]
}

/** Compares what a file says with what the services hold, country by country. */
export function reconcile(expected: ByCountry, actual: Actual): Reconciliation {
  const names = [...new Set([...expected.keys(), ...[...actual.figures.values()].flatMap((each) => [...each.keys()])])]
  const countries = names.map((country) => {
    const file = expected.get(country) ?? nothing
    const differences = serviceNames.flatMap((name) => {
      const figures = actual.figures.get(name)?.get(country) ?? nothing
      return isSame(figures, file) ? [] : [[name, figures] as const]
    })
    return { country, file, differences: Object.fromEntries(differences) }
  })
  countries.sort((a, b) => Number(tenThousandths(b.file.total) - tenThousandths(a.file.total)))
  const services = serviceNames.map((name) => ({
    name,
    figures: sum(actual.figures.get(name) ?? new Map()),
    isEqual: countries.every(({ differences }) => differences[name] === undefined),
  }))
  const events = serviceNames.map((name) => ({
    name,
    published: actual.published.get(name) ?? 0,
    ...(actual.events.get(name) ?? { expected: 0, applied: 0, doubled: 0, parked: [], lost: 0 }),
  }))
  const areEventsRight = events.every(
    ({ lost, doubled, applied, expected: due }) => lost + doubled === 0 && applied === due,
  )
  return {
    isExplained: events.every(
      ({ lost, doubled, applied, parked, expected: due }) => lost + doubled === 0 && applied + parked.length === due,
    ),
    isEqual:
      services.every((each) => each.isEqual) && areEventsRight && actual.audits.every(({ wrong }) => wrong === 0),
    file: sum(expected),
    services,
    countries,
    events,
    audits: actual.audits,
  }
}

const nothing: Figures = { invoices: 0, lines: 0, total: '0.0000' }

function isSame(a: Figures, b: Figures): boolean {
  return a.invoices === b.invoices && a.lines === b.lines && a.total === b.total
}

function sum(figures: ByCountry): Figures {
  const all = [...figures.values()]
  return {
    invoices: all.reduce((so, { invoices }) => so + invoices, 0),
    lines: all.reduce((so, { lines }) => so + lines, 0),
    total: decimalText(all.reduce((so, { total }) => so + tenThousandths(total), 0n)),
  }
}
