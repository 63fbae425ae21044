import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'

const settings = z.object({
  /** A PostgreSQL of yours, as a role that may create databases and roles. Left out: an embedded one. */
  POSTGRES_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .refine((url) => new URL(url).password !== '', 'must have a password: those of the services follow from it')
    .optional(),
  /** Of the HTTP interface. Left out: a free one. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  /** Folder of the embedded PostgreSQL. */
  ORDERS_HOME: z
    .string()
    .min(1)
    // npm changes the working directory, and says which one it was called in.
    .transform((path) => resolve(process.env['INIT_CWD'] ?? process.cwd(), path))
    .default(fileURLToPath(new URL('../../../.estafet/orders/', import.meta.url))),
})
export type Settings = z.infer<typeof settings>

/** Environment or options that cannot be followed; the message names them. */
export class UnusableSettings extends Error {}

/** Reads the environment. Throws UnusableSettings. */
export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  const read = settings.safeParse(environment)
  if (read.success) return read.data
  throw new UnusableSettings(
    read.error.issues.map(({ path, message }) => `${path[0]?.toString()}: ${message}`).join('\n'),
  )
}
