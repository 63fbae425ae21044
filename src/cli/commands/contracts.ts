import { resolve } from 'node:path'
import type { Break } from '../../contracts/break.ts'
import { checkContracts, type Verdict } from '../../contracts/check.ts'
import type { Contracts } from '../../contracts/contracts.ts'
import { contractFiles, outdatedFiles } from '../../contracts/files.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { committedIn, readFolder, writeFolder } from '../contract-folder.ts'
import { loadContracts } from '../contract-module.ts'
import type { Diagnostic } from '../envelope.ts'
import { missing } from '../failure.ts'

const standardFolder = 'contracts'

export async function generate(call: Call): Promise<Outcome> {
  const name = call.options.text('out') ?? standardFolder
  const folder = resolve(call.cwd, name)
  const today = await loadContracts(call)
  const found = (await readFolder(folder)) ?? new Map()
  const committed = committedIn(found)
  const { breaks, notes } = checkContracts(today, committed)
  if (breaks.length > 0 && !call.options.has('accept-breaks')) {
    const message = `Nothing was written: ${count(breaks.length, 'change')} would break somebody.`
    const hint = 'What is meant nevertheless is recorded by --accept-breaks, and seen by whoever reviews the files.'
    const refusal: Diagnostic = { code: 'REFUSED', severity: 'error', message, hint }
    return { data: { written: [], breaks, notes }, text: '', exit: 'refused', diagnostics: [...told(breaks), refusal] }
  }
  const files = contractFiles(today, committed)
  const outdated = outdatedFiles(files, found)
  await writeFolder(folder, files, outdated)
  const lines = outdated.map((path) => `${files.has(path) ? 'wrote' : 'removed'} ${name}/${path}`)
  return done(
    { written: outdated, breaks, notes },
    [...(lines.length === 0 ? ['Nothing changed.'] : lines), ...noteLines(notes)].join('\n'),
  )
}

export async function check(call: Call): Promise<Outcome> {
  const name = call.options.text('against') ?? standardFolder
  const today = await loadContracts(call)
  const found = await readFolder(resolve(call.cwd, name))
  if (found === null) {
    throw missing(`There is no folder ${name}.`, 'estafet contracts generate makes it; commit what it writes.')
  }
  const committed = committedIn(found)
  const verdict = checkContracts(today, committed)
  const outdated = outdatedFiles(contractFiles(today, committed), found)
  const isRefused = call.options.has('current') && outdated.length > 0
  const diagnostics = [...told(verdict.breaks), ...(isRefused ? [stale(name, outdated)] : [])]
  return {
    data: { ...verdict, outdated },
    text: diagnostics.length > 0 ? '' : wellText(today, verdict, outdated, name),
    exit: diagnostics.length > 0 ? 'found' : 'ok',
    diagnostics,
  }
}

function wellText(today: Contracts, { notes }: Verdict, outdated: readonly string[], folder: string): string {
  const services = count(today.services.length, 'service')
  const more = outdated.length === 0 ? [] : [`News for ${folder}: ${outdated.join(', ')}; estafet contracts generate.`]
  return [`${services}: nothing that changed breaks anybody.`, ...more, ...noteLines(notes)].join('\n')
}

function told(breaks: readonly Break[]): readonly Diagnostic[] {
  return breaks.map(({ says, todo, consumers, breaks: whom }) => {
    const readers = consumers.length === 0 ? 'consumers, of whom none is known here' : consumers.join(', ')
    const hurt = whom.map((each) => (each === 'stored' ? 'whoever reads what is stored' : readers))
    return { code: 'CONTRACT_BROKEN', severity: 'error', message: `${says} Breaks ${hurt.join(', and ')}.`, hint: todo }
  })
}

function stale(folder: string, outdated: readonly string[]): Diagnostic {
  const message = `The files of ${folder} are not up to date: ${outdated.join(', ')}.`
  return { code: 'CONTRACT_OUTDATED', severity: 'error', message, hint: 'estafet contracts generate' }
}

function noteLines(notes: readonly string[]): readonly string[] {
  return notes.map((note) => `note: ${note}`)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
