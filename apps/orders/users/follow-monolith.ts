import { rejected, type Service, service } from 'estafet'
import { on, type Sql } from 'estafet/postgres'
import { UserGone, UserSaved } from '../monolith/messages.ts'
import { UserChanged, UserRemoved } from './messages.ts'

/** Keeps users as the monolith has them, as long as nobody changed them here. */
export const usersFollowing: Service<Sql> = service<Sql>('users', {
  publishes: [UserChanged, UserRemoved],
  // Addresses wander between people: in one lane their changes stay in the order of their commits.
  lanes: 1,
  handlers: [
    on(UserSaved, async ({ data }, { tx, publish }) => {
      const { id, email, password_hash, name, address } = data
      const { rowCount } = await tx.query(
        `INSERT INTO users (id, email, password_hash, name, address, owner) VALUES ($1, $2, $3, $4, $5, 'monolith')
        ON CONFLICT (id) DO UPDATE SET email = excluded.email, password_hash = excluded.password_hash,
          name = excluded.name, address = excluded.address WHERE users.owner = 'monolith'`,
        [id, email, password_hash, name, address],
      )
      if (rowCount === 0) throw rejected('the user was changed in this service')
      publish(UserChanged({ id, email, name }))
    }),
    on(UserGone, async ({ data: { id } }, { tx, publish }) => {
      const { rowCount } = await tx.query(`DELETE FROM users WHERE id = $1 AND owner = 'monolith'`, [id])
      if (rowCount === 1) publish(UserRemoved({ id }))
    }),
  ],
})
