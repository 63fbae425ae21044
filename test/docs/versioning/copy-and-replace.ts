import { decider, StreamMoved, streamCopy, streamEvent, when } from 'estafet'
import type { PostgresStreams } from 'estafet/postgres'
import * as z from 'zod'

type Command = { do: 'create'; name: string; email: string } | { do: 'change'; name: string; email: string }

const person = { name: z.string(), email: z.string() }
const UserCreatedBefore = streamEvent('UserCreated', { version: 1, schema: z.object({ id: z.string(), ...person }) })
const ContactChanged = streamEvent('ContactChanged', { version: 1, schema: z.object(person) })

export class Moved extends Error {}

/** The old kind of stream. Once it has moved nothing is decided in it any more. */
export const UserBefore = decider<{ readonly email: string; readonly hasMoved: boolean }, Command>('user', {
  initial: { email: '', hasMoved: false },
  decide({ do: what, name, email }, { hasMoved }) {
    if (hasMoved) throw new Moved('this user has moved')
    return what === 'create' ? UserCreatedBefore({ id: email, name, email }) : ContactChanged({ name, email })
  },
  evolve: [
    when(UserCreatedBefore, (state, { email }) => ({ ...state, email })),
    when(ContactChanged, (state, { email }) => ({ ...state, email })),
    when(StreamMoved, (state) => ({ ...state, hasMoved: true })),
  ],
})

const UserCreated = streamEvent('UserCreated', {
  version: 2,
  since: 2,
  schema: z.object({
    ...{ id: z.string(), ...person },
    ...{ age: z.int().nullable(), preferences: z.record(z.string(), z.string()) },
  }),
})
const NameChanged = streamEvent('NameChanged', { version: 1, schema: z.object({ name: z.string() }) })
const EmailChanged = streamEvent('EmailChanged', { version: 1, schema: z.object({ email: z.string() }) })

/** The new kind: with age and preferences, and an event for each thing that changes. */
export const User = decider<{ readonly email: string; readonly age: number | null }, Command>('user-v2', {
  initial: { email: '', age: null },
  decide: ({ do: what, name, email }) =>
    what === 'create'
      ? UserCreated({ id: email, name, email, age: null, preferences: {} })
      : [NameChanged({ name }), EmailChanged({ email })],
  evolve: [
    when(UserCreated, (_, { email, age }) => ({ email, age })),
    when(NameChanged, (state) => state),
    when(EmailChanged, (state, { email }) => ({ ...state, email })),
  ],
})

/** What `estafet streams copy --module FILE` runs. */
export const users = streamCopy({
  from: 'user',
  to: 'user-v2',
  transform(event) {
    if (event.type === 'UserCreated') {
      return UserCreated({ ...UserCreatedBefore.read(event), age: null, preferences: {} })
    }
    if (event.type !== 'ContactChanged') return event
    const { name, email } = ContactChanged.read(event)
    return [NameChanged({ name }), EmailChanged({ email })]
  },
  states: { before: UserBefore, after: User, equal: (before, after) => before.email === after.email },
})

/** While both kinds are there: the old stream as long as it is open, and from then on the new one. */
export async function handleUser(streams: PostgresStreams, id: string, command: Command): Promise<void> {
  const { version } = await streams.load(UserBefore, id)
  if (version > 0) {
    try {
      await streams.handle(UserBefore, id, command)
      return
    } catch (error) {
      if (!(error instanceof Moved)) throw error
    }
  }
  await streams.handle(User, id, command)
}
