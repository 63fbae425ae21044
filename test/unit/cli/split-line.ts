/** The words of a command line as a shell would give them: quotes keep spaces, and nothing else is special. */
export function splitLine(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  )
}
