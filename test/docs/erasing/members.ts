import { randomBytes } from 'node:crypto'
import { event, SubjectErased, service, withoutKeys } from 'estafet'
import { on, postgres, postgresVault, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'

/** What is left of a personal value is a value of its own, and the schema says so. */
const erasable = <Schema extends z.ZodType>(schema: Schema) => z.union([z.object({ $erased: z.literal(true) }), schema])

export const MemberJoined = event('members.joined', {
  version: 1,
  schema: z.object({ id: z.string(), name: erasable(z.string()), plan: z.string() }),
  key: ({ id }) => id,
  personal: { subject: ({ id }) => id, fields: ['name'] },
})

// The service that owns the people. Secrets come from where you keep secrets; 32 bytes each.
const pool = new pg.Pool()
/** Of its own: it is asked while transactions of the others hold their clients. */
const keys = new pg.Pool({ max: 2 })
for (const each of [pool, keys]) each.on('error', (error) => console.warn(error.name))
export const vault = postgresVault(keys, { secrets: [{ id: '2026', key: randomBytes(32) }] })
export const store = postgres(pool, { vault })

export async function erase(member: string): Promise<boolean> {
  return store.transaction(async (tx, publish) => {
    const isNew = await vault.erase(tx, member)
    if (isNew) publish(SubjectErased({ subject: member }))
    return isNew
  })
}

// A service that writes names down in clear, and so removes them.
export const mailing = service<Sql>('mailing', {
  handlers: [
    on(MemberJoined, async ({ data }, { tx }) => {
      if (typeof data.name === 'string') await tx.query('INSERT INTO mail VALUES ($1, $2)', [data.id, data.name])
    }),
    on(SubjectErased, async ({ data }, { tx }) => {
      await tx.query('DELETE FROM mail WHERE id = $1', [data.subject])
    }),
  ],
})

// A service that counts plans needs no keys: every name is erased for it.
export const counting = postgres(new pg.Pool(), { vault: withoutKeys })
