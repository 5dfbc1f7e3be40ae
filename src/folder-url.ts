/** The folder that a `file:` URL means, for stores and for secrets alike. */
import { fileURLToPath } from 'node:url'

/** `file:./data`, `file:data` and `file:/data` are paths as typed; `file:///…` is a URL with its escapes. */
export const folderOf = (url: string): string =>
  url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length)
