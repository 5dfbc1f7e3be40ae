/**
 * The canonical name of a state, one byte per small number. Two things make states alike that differ only in names: the
 * writers are sorted, and a commit id is reduced to what can still be asked about it (is it mine, is a copy on the way).
 */
import { PROMISES } from './invariants.js'
import { type Commit, missingFacts, REQUESTS, type State, type Writer } from './state.js'

const PHASES: readonly Writer['phase'][] = ['down', 'probing', 'ready', 'creating', 'refused']
const READER_PHASES: readonly State['reader']['phase'][] = ['idle', 'pinned', 'listed']
const ANSWERS: readonly State['answers'][number][] = ['unsent', 'sent', 'acknowledged', 'rejected']
const BROKEN: readonly string[] = Object.values(PROMISES)
const END = 255

export function encode(state: State): string {
  const one = encodeWriter(state, state.writers[0]!)
  const other = encodeWriter(state, state.writers[1]!)
  const rest = String.fromCharCode(...encodeWorld(state))
  return one < other ? one + other + rest : other + one + rest
}

function encodeWriter(state: State, writer: Writer): string {
  const codes = [PHASES.indexOf(writer.phase)]
  if (writer.phase === 'down') return String.fromCharCode(...codes)
  codes.push(bits(writer.waiting), writer.known, writer.unhelped, ...writer.versions, ...writer.done)
  if (writer.commit !== undefined) {
    const { id } = writer.commit
    const isApplied = state.log[writer.known + 1]?.id === id
    const isCopied = state.late.creates.some((create) => create.commit.id === id)
    codes.push(bits([isApplied, isCopied]))
    pushCommit(codes, writer.commit)
  }
  return String.fromCharCode(...codes)
}

function encodeWorld(state: State): number[] {
  const { log, pointers, items, late, answers, left } = state
  const codes: number[] = []
  for (let seq = 1; seq < log.length; seq++) pushCommit(codes, log[seq])
  codes.push(END)
  for (const versions of pointers) codes.push(...versions, END)
  codes.push(
    ...items,
    state.head,
    state.furthest,
    state.told,
    ...state.broken.map((promise) => BROKEN.indexOf(promise)),
    END,
  )
  for (const answer of answers) codes.push(ANSWERS.indexOf(answer))
  codes.push(left.crashes, left.delays, left.retries)
  for (const { seq, commit } of late.creates) {
    codes.push(seq)
    pushCommit(codes, commit)
  }
  codes.push(END, ...late.facts.filter((seq) => missingFacts(state, seq).length > 0), END, ...late.heads, END)
  pushReader(codes, state.reader)
  return codes
}

function pushCommit(codes: number[], commit: Commit | undefined): void {
  for (const { request, versions } of commit?.transactions ?? []) codes.push(request, ...versions)
  codes.push(REQUESTS.length)
}

function pushReader(codes: number[], reader: State['reader']): void {
  codes.push(READER_PHASES.indexOf(reader.phase))
  switch (reader.phase) {
    case 'idle':
      return
    case 'pinned':
      codes.push(reader.head, ...reader.found.map((version) => version + 1))
      codes.push(...reader.least.filter((_, resource) => reader.found[resource] === -1))
      return
    case 'listed':
      codes.push(reader.resource, reader.least, ...reader.pointers)
      return
  }
}

const bits = (flags: readonly boolean[]): number => flags.reduce((sum, flag, i) => sum + (flag ? 1 << i : 0), 0)
