import { decimal, isSameAmount } from '../../orders/money.ts'

/** Fields that are amounts: equal by value, however many zeros they end with. */
const amounts = new Set(['price', 'total_amount'])

/** What differs between two values, by the names of the fields and never by what is in them. */
export function differing(wanted: unknown, has: unknown, path = ''): readonly string[] {
  if (isList(wanted) && isList(has)) {
    if (wanted.length !== has.length) return [`${path}: ${has.length} instead of ${wanted.length}`]
    return wanted.flatMap((each, at) => differing(each, has[at], `${path}[${at}]`))
  }
  if (isObject(wanted) && isObject(has)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(has)])
    return [...names].flatMap((name) =>
      differing(valueIn(wanted, name), valueIn(has, name), path === '' ? name : `${path}.${name}`),
    )
  }
  const isSame = amounts.has(path.replace(/^.*\./, '')) ? isSameDecimal(wanted, has) : wanted === has
  return isSame ? [] : [`${path} is another`]
}

function isSameDecimal(one: unknown, other: unknown): boolean {
  const [a, b] = [decimal.safeParse(one), decimal.safeParse(other)]
  return a.success && b.success ? isSameAmount(a.data, b.data) : one === other
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valueIn(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
