import { type ReceivedMessage, type Service, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { GameFinished } from '../messages.ts'
import { placeOf } from './place.ts'

/**
 * Counts the finished games of each chat. Every consumer group does so for itself, from the beginning of the topic, and
 * has rows of its own.
 */
export function scoreboard(group: string): Service<Sql> {
  return service<Sql>(group, {
    handlers: [
      on(GameFinished, async (event, { tx, log }) => {
        if (!(await isNew(tx, group, event))) return log.info('duplicate')
        const { game_id, chat_id } = event.data
        const game = await tx.query(
          'INSERT INTO games (consumer_group, game_id, chat_id, finished_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
          [group, game_id, chat_id, event.time],
        )
        if (game.rowCount === 0) return log.info('this game was over already')
        await tx.query(
          `INSERT INTO chats AS c (consumer_group, chat_id, games) VALUES ($1, $2, 1)
          ON CONFLICT (consumer_group, chat_id) DO UPDATE SET games = c.games + 1`,
          [group, chat_id],
        )
        log.info('finished')
      }),
    ],
  })
}

/**
 * Notes that the group takes this event, in the transaction of its effect. False when it took it before: what Estafet's
 * relay sends twice never comes here, but somebody else may write the same event to the topic.
 */
async function isNew(tx: Sql, group: string, event: ReceivedMessage): Promise<boolean> {
  const { partition, offset } = placeOf(event)
  const { rowCount } = await tx.query(
    `INSERT INTO consumed_events (consumer_group, event_id, event_type, topic, partition, kafka_offset)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [group, event.id, event.type, event.topic, partition, offset],
  )
  return rowCount === 1
}
