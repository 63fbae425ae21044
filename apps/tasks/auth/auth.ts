import { service } from 'estafet'
import type { Sql } from 'estafet/postgres'
import { userEvents } from '../messages.ts'

/** Keeps accounts over HTTP and publishes what happens to them; it wants to know nothing of others. */
export const auth = service<Sql>('auth', { publishes: [...userEvents] })
