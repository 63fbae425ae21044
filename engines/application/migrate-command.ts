import type { DatabaseServer } from './database-server.ts'
import { program } from './program.ts'

/** Brings all databases of an application up to date, and says what that was; ends the process. */
export function migrateCommand(
  open: () => Promise<DatabaseServer>,
  migrateAll: (server: DatabaseServer) => Promise<readonly string[]>,
): Promise<never> {
  return program(async () => {
    const server = await open()
    try {
      console.log(server.says)
      const applied = await migrateAll(server)
      for (const migration of applied) console.log(`  applied ${migration}`)
      console.log(applied.length === 0 ? 'Nothing to do: every migration was applied before.' : 'Done.')
      return 0
    } finally {
      await server.stop()
    }
  })
}
