import { openServer } from './system/database-server.ts'
import { migrateAll } from './system/databases.ts'
import { program } from './system/program.ts'

await program(async (settings) => {
  const server = await openServer(settings)
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
