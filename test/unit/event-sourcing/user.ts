import { decider, type StreamCopyOptions, StreamMoved, streamCopy, streamEvent, when } from 'estafet'
import * as z from 'zod'

/** A user as it was: one event for what happened at the beginning, and notes that nobody needs any more. */
export const UserCreatedBefore = streamEvent('UserCreated', {
  version: 1,
  schema: z.object({ id: z.string(), name: z.string(), email: z.string() }),
})
export const NamesGiven = streamEvent('NamesGiven', { version: 1, schema: z.object({ names: z.array(z.string()) }) })
export const PageSeen = streamEvent('PageSeen', { version: 1, schema: z.object({ page: z.string() }) })

export interface UserBefore {
  readonly name: string
  readonly names: readonly string[]
  readonly movedTo: string | null
}

type Happening = ReturnType<typeof UserCreatedBefore> | ReturnType<typeof NamesGiven> | ReturnType<typeof PageSeen>

export class Moved extends Error {}

export const UserV1 = decider<UserBefore, readonly Happening[]>('user', {
  initial: { name: '', names: [], movedTo: null },
  decide(events, { movedTo }) {
    if (movedTo !== null) throw new Moved(movedTo)
    return events
  },
  evolve: [
    when(UserCreatedBefore, (state: UserBefore, { name }) => ({ ...state, name })),
    when(NamesGiven, (state: UserBefore, { names }) => ({ ...state, names: [...state.names, ...names] })),
    when(PageSeen, (state: UserBefore) => state),
    when(StreamMoved, (state: UserBefore, { type, id }) => ({ ...state, movedTo: `${type}/${id}` })),
  ],
  snapshotEvery: 0,
})

/** As it is now: with age and preferences, and one event for each name. */
export const UserCreated = streamEvent('UserCreated', {
  version: 2,
  since: 2,
  schema: z.object({
    ...{ id: z.string(), name: z.string(), email: z.string() },
    ...{ age: z.int().nullable(), preferences: z.record(z.string(), z.string()) },
  }),
})
export const NameGiven = streamEvent('NameGiven', { version: 1, schema: z.object({ name: z.string() }) })

export interface UserAfter {
  readonly name: string
  readonly age: number | null
  readonly names: readonly string[]
}

export const UserV2 = decider<UserAfter, readonly string[]>('user-v2', {
  initial: { name: '', age: null, names: [] },
  decide: (names) => names.map((name) => NameGiven({ name })),
  evolve: [
    when(UserCreated, (state: UserAfter, { name, age }) => ({ ...state, name, age })),
    when(NameGiven, (state: UserAfter, { name }) => ({ ...state, names: [...state.names, name] })),
  ],
  snapshotEvery: 0,
})

type Options = StreamCopyOptions<UserBefore, UserAfter>

export function userCopy(more: Partial<Options> = {}) {
  return streamCopy<UserBefore, UserAfter>({
    ...{ from: 'user', to: 'user-v2' },
    transform(event) {
      if (event.type === 'PageSeen') return []
      if (event.type === 'NamesGiven') return NamesGiven.read(event).names.map((name) => NameGiven({ name }))
      if (event.type !== 'UserCreated') return event
      return UserCreated({ ...UserCreatedBefore.read(event), age: null, preferences: {} })
    },
    states: {
      ...{ before: UserV1, after: UserV2 },
      equal: (before, after) =>
        before.name === after.name && JSON.stringify(before.names) === JSON.stringify(after.names),
    },
    ...more,
  })
}

export const created = (id: string) => UserCreatedBefore({ id, name: `name of ${id}`, email: `${id}@example.org` })

/** As a module of a user exports it. */
export const copy = userCopy()
