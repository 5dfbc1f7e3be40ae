/** What a verification finds, line by line and in the end: for `verify`, and for a copy that is verified. */
import type { Difference, VerifyReport } from '../index.js'
import type { ProgressBar } from './progress.js'
import type { Session } from './session.js'
import { plural, safe } from './text.js'

export interface DifferenceLines {
  readonly add: (difference: Difference) => void
  /** Resolves when all lines are written. */
  written(): Promise<void>
}

/** A line for each difference as it is found, with room made for it by the bar. */
export function differenceLines(
  { out, json, colors }: Session,
  tenant: string,
  bar: Pick<ProgressBar, 'clear'>,
): DifferenceLines {
  // The output keeps its own order, and a broken pipe ends the command at the next await.
  let writing: Promise<void> = Promise.resolve()
  const line = (difference: Difference): string =>
    json
      ? JSON.stringify({ tenant, difference })
      : [colors.red(difference.kind), safe(difference.key), safe(difference.problem)].join('\t')
  return {
    add(difference) {
      bar.clear()
      writing = writing.then(() => out.line(line(difference)))
      writing.catch(() => undefined)
    },
    written: () => writing,
  }
}

export function showVerified(session: Session, tenant: string, report: VerifyReport): Promise<void> {
  const { out, json } = session
  return out.line(json ? JSON.stringify({ tenant, report }) : summary(session, tenant, report))
}

function summary({ colors }: Session, tenant: string, report: VerifyReport): string {
  const { commits, events, bodies, items, projected, differences } = report
  const checked = `${plural(commits, 'commit')}, ${plural(events, 'event')}, ${plural(bodies, 'body', 'bodies')}, ${plural(items, 'pointer')}${projected === 0 ? '' : `, ${plural(projected, 'projected item')}`}`
  return differences === 0
    ? `${colors.green('ok')}\t'${tenant}': ${checked} checked, no difference`
    : `${colors.red('failed')}\t'${tenant}': ${checked} checked, ${plural(differences, 'difference')}`
}
