/** Binary: content of any type, as a resource that holds it in base64, and by itself. (FHIR R4, Binary: serving Binary resources) */
import { membersOf, scanBody, textAt } from '../body/index.js'

export interface Content {
  /** A media type. */
  readonly type: string
  readonly bytes: Uint8Array
  /** Whose access rights hold for it: a reference. */
  readonly securityContext?: string
}

/** `undefined`: the resource does not say of what type its content is, or that is none. */
export function contentIn(resource: Uint8Array): Content | undefined {
  const scanned = scanBody(resource)
  if (scanned._tag === 'Left') return undefined
  const start = scanned.right.open - 1
  const members = new Map([...membersOf(resource, start)].map((member) => [member.name, member]))
  const textOf = (name: string): string | undefined => {
    const member = members.get(name)
    return member && textAt(resource, member)
  }
  const type = textOf('contentType')
  if (type === undefined || !mediaType.test(type)) return undefined
  const context = members.get('securityContext')
  const said = context && textOf('securityContext') === undefined ? referenceIn(resource, context.start) : undefined
  return {
    type,
    bytes: Buffer.from(textOf('data') ?? '', 'base64'),
    ...(said === undefined ? undefined : { securityContext: said }),
  }
}

/** With parameters, and nothing that could not stand in a header. */
const mediaType = /^[\w.+-]+\/[\w.+-]+(?:\s*;[\x20-\x7e]*)?$/

function referenceIn(resource: Uint8Array, start: number): string | undefined {
  if (resource[start] !== 0x7b) return undefined
  for (const member of membersOf(resource, start)) {
    const text = member.name === 'reference' ? textAt(resource, member) : undefined
    if (text !== undefined) return /^[\x21-\x7e]+$/.test(text) ? text : undefined
  }
  return undefined
}

/** `id`: where it is to be updated under one. */
export const binaryOf = ({ type, bytes, securityContext }: Content, id?: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      resourceType: 'Binary',
      ...(id === undefined ? undefined : { id }),
      contentType: type,
      ...(securityContext === undefined ? undefined : { securityContext: { reference: securityContext } }),
      data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
    }),
  )
