/** The version of the package that this file belongs to, compiled or not. */
import { readFileSync } from 'node:fs'

export function releaseVersion(): string {
  for (const up of ['../', '../../'])
    try {
      const found = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8'))
      if (found.name === 'annals') return found.version
    } catch {
      // One folder further up.
    }
  return 'unknown'
}
