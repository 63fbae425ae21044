import { service } from 'estafet'
import { contracts } from 'estafet/contracts'
import { GameFinished } from './messages.ts'
import { scoreboard } from './scoreboard/scoreboard.ts'

/** Publishes by a trigger of its database: a relay runs for it, and no code of its own. */
const games = service<unknown>('games', { publishes: [GameFinished] })

/** `estafet contracts check --module apps/games/contracts.ts --against apps/games/contracts` */
export default contracts([
  { service: games, examples: [GameFinished({ game_id: 'g-1', chat_id: 42 })] },
  scoreboard('scoreboard'),
])
