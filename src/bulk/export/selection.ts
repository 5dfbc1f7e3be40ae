/** Which resources an export is about. What the header of an event tells is asked first, so that bodies are only looked into where it is not enough. */
import type { EventHeader } from '../../../domain/header.js'
import { fenceType } from '../../saga/fence.js'
import type { ExportRequest } from './state.js'

export interface Selection {
  /** By its header. `by-body`: its body has to be looked at. */
  verdict(event: EventHeader, at: number): 'yes' | 'no' | 'by-body'
  /** What a deletion is about, which has no body: `by-body` asks for that of the version before it. */
  deletion(event: EventHeader, at: number): 'yes' | 'no' | 'by-body'
  /** By its body. */
  selects(event: EventHeader, body: Uint8Array): boolean
  /** What is written of a body that counts. */
  line(event: EventHeader, body: Uint8Array): Uint8Array
}

export function makeSelection({ types, since, deleted }: ExportRequest): Selection {
  const wanted = types && new Set(types)
  /** The fences of sagas are the store's own. */
  const isOfType = ({ type }: EventHeader): boolean => (wanted === undefined ? type !== fenceType : wanted.has(type))
  return {
    verdict: (event) => (isOfType(event) ? 'yes' : 'no'),
    deletion: (event) => (since !== undefined && deleted && isOfType(event) ? 'yes' : 'no'),
    selects: () => true,
    line: (_, body) => body,
  }
}
