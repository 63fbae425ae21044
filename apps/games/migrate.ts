import { migrateCommand } from '../../engines/application/migrate-command.ts'
import { migrateAll } from './system/databases.ts'
import { openServer } from './system/open-server.ts'
import { settingsOf } from './system/settings.ts'

await migrateCommand(async () => openServer(settingsOf(process.env)), migrateAll)
