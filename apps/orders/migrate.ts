import { program } from '../../engines/application/program.ts'
import { migrateAll } from './system/databases.ts'
import { openServer } from './system/open-server.ts'
import { settingsOf } from './system/settings.ts'

await program(async () => {
  const settings = settingsOf(process.env)
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
