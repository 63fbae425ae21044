import pg from 'pg'

export interface DatabaseOwner {
  readonly database: string
  /** Owns the database and runs its migrations; it may create roles. */
  readonly owner: { readonly name: string; readonly password: string }
  /** Login roles with no more than what is granted to them later. */
  readonly logins: readonly { readonly name: string; readonly password: string }[]
}

/** Makes sure that a database and its roles exist, and that nobody else may connect to it. May be repeated. */
export async function provisionDatabase(adminUrl: string, wanted: DatabaseOwner): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await login(client, wanted.owner, 'CREATEROLE')
    for (const role of wanted.logins) await login(client, role, 'NOCREATEROLE')
    const database = client.escapeIdentifier(wanted.database)
    const exists = await client.query('SELECT FROM pg_database WHERE datname = $1', [wanted.database])
    if (exists.rowCount === 0) {
      await client.query(`CREATE DATABASE ${database} OWNER ${client.escapeIdentifier(wanted.owner.name)}`)
    }
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
    for (const { name } of wanted.logins) {
      await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${client.escapeIdentifier(name)}`)
    }
  } finally {
    await client.end()
  }
}

async function login(client: pg.Client, role: { name: string; password: string }, power: string): Promise<void> {
  const name = client.escapeIdentifier(role.name)
  const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role.name])
  const verb = known.rowCount === 0 ? 'CREATE' : 'ALTER'
  await client.query(`${verb} ROLE ${name} LOGIN ${power} PASSWORD ${client.escapeLiteral(role.password)}`)
}

/** Makes an empty database of the administrator's own, and returns its URL. For tests and benchmarks. */
export async function newDatabase(adminUrl: string, database: string): Promise<string> {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(database)}`)
  } finally {
    await admin.end()
  }
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  return url.href
}
