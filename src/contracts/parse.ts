import { EstafetError } from '../message/errors.ts'
import { decodeJson } from '../message/json.ts'
import type { EventContract, HandlerContract, ServiceContract } from './contract.ts'
import { isObject, type JsonObject } from './json-schema.ts'
import type { Sample } from './sample.ts'

/** A contract from the text of its file. Throws MISCONFIGURED, naming the file, when it is none of this format. */
export function parseContract(file: string, text: string): ServiceContract {
  const read = reading(file, text)
  const { contract, service } = read
  if (contract !== 1) throw strange(file, 'its format is another: "contract" is not 1')
  return {
    contract,
    service: textOf(file, service, 'service'),
    publishes: each(file, read['publishes'], 'publishes', eventOf),
    keeps: each(file, read['keeps'], 'keeps', eventOf),
    handles: each(file, read['handles'], 'handles', handlersOf),
  }
}

/** A sample from the text of its file. Throws as `parseContract`, and never quotes the data. */
export function parseSample(file: string, text: string): Sample {
  const { service, type, version, key, data } = reading(file, text)
  return {
    service: textOf(file, service, 'service'),
    type: textOf(file, type, 'type'),
    version: numberOf(file, version, 'version'),
    key: key === null ? null : textOf(file, key, 'key'),
    data,
  }
}

function reading(file: string, text: string): JsonObject {
  let value: unknown
  try {
    value = decodeJson(text)
  } catch {
    throw strange(file, 'it is not JSON')
  }
  if (!isObject(value)) throw strange(file, 'it is no object')
  return value
}

function eventOf(file: string, value: unknown, name: string): EventContract {
  if (!isObject(value)) throw strange(file, `${name} is no object`)
  const { topic, version, since, versions } = value
  return {
    topic: topic === null ? null : textOf(file, topic, `${name} topic`),
    version: numberOf(file, version, `${name} version`),
    since: numberOf(file, since, `${name} since`),
    versions: each(file, versions, `${name} versions`, (_, shape, at) => {
      if (!isObject(shape)) throw strange(file, `${at} is no object`)
      return shape
    }),
  }
}

function handlersOf(file: string, value: unknown, name: string): readonly HandlerContract[] {
  if (!Array.isArray(value)) throw strange(file, `${name} is no list`)
  return value.map((item: unknown) => {
    if (!isObject(item)) throw strange(file, `${name} has what is no object`)
    const { handler, topic, since, version } = item
    return {
      handler: textOf(file, handler, `${name} handler`),
      topic: textOf(file, topic, `${name} topic`),
      since: numberOf(file, since, `${name} since`),
      version: numberOf(file, version, `${name} version`),
    }
  })
}

function each<Made>(
  file: string,
  value: unknown,
  name: string,
  make: (file: string, value: unknown, name: string) => Made,
): Readonly<Record<string, Made>> {
  if (!isObject(value)) throw strange(file, `${name} is no object`)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, make(file, item, key)]))
}

function textOf(file: string, value: unknown, name: string): string {
  if (typeof value !== 'string') throw strange(file, `${name} is no text`)
  return value
}

function numberOf(file: string, value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw strange(file, `${name} is no whole number`)
  return value
}

function strange(file: string, fault: string): EstafetError {
  return new EstafetError('MISCONFIGURED', `${file} is no contract file that this version knows: ${fault}.`)
}
