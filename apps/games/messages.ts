import { event } from 'estafet'
import * as z from 'zod'

/** The id of a game or a chat: text, or a whole number as some systems have it; text from here on. */
const id = z.union([z.string().min(1).max(100), z.int()]).transform(String)

/** A game is over. Published by the database itself: see games/migrations. */
export const GameFinished = event('game.finished', {
  version: 1,
  topic: 'game-events',
  schema: z.object({ game_id: id, chat_id: id }),
  key: ({ game_id }) => game_id,
})
