/** How a command ends, for scripts. The same in every command. */
export const exitCodes = {
  ok: { code: 0, means: 'it was done, and nothing bad was found' },
  found: { code: 1, means: 'it ran and found the bad thing: drift, lag over the limit, a log out of order' },
  usage: { code: 2, means: 'the command line or its environment is wrong' },
  unreachable: { code: 3, means: 'a service or database could not be reached, or did not answer as it should' },
  missing: { code: 4, means: 'what was named does not exist' },
  partial: { code: 5, means: 'some of it was done, or some services could not be asked' },
  refused: { code: 6, means: 'refused by a safety or for want of a permission; nothing was done' },
  timeout: { code: 124, means: 'the wait of --wait ended first' },
  fault: { code: 70, means: 'a fault of estafet itself' },
  interrupted: { code: 130, means: 'Ctrl-C' },
} as const satisfies Record<string, { readonly code: number; readonly means: string }>

export type Exit = keyof typeof exitCodes
