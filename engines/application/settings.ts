import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

/** Environment or options that cannot be followed; the message names them. */
export class UnusableSettings extends Error {}

/** Reads the environment. Throws UnusableSettings, with all faults at once, by the names of the variables. */
export function readSettings<Schema extends z.ZodType>(
  schema: Schema,
  environment: NodeJS.ProcessEnv,
): z.infer<Schema> {
  const read = schema.safeParse(environment)
  if (read.success) return read.data
  throw new UnusableSettings(
    read.error.issues.map(({ path, message }) => `${path[0]?.toString()}: ${message}`).join('\n'),
  )
}

/** A PostgreSQL of the user's, as a role that may create databases and roles. Left out: an embedded one. */
export const postgresUrl = z
  .url({ protocol: /^postgres(ql)?$/ })
  .refine((url) => new URL(url).password !== '', 'must have a password: those of the services follow from it')
  .optional()

/** The folder of an application's embedded engines, in the repository unless another one is named. */
export function homeOf(application: string) {
  return (
    z
      .string()
      .min(1)
      // npm changes the working directory, and says which one it was called in.
      .transform((path) => resolve(process.env['INIT_CWD'] ?? process.cwd(), path))
      .default(fileURLToPath(new URL(`../../.estafet/${application}/`, import.meta.url)))
  )
}

/** Of an HTTP interface. Left out: a free one. */
export const port = z.coerce.number().int().min(0).max(65_535).default(0)
