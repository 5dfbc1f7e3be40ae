/** Projections as metrics: what they handle, where they fail, how far they are behind. Names of tenants stay out of them. */
import type { Instruments } from './meter.js'

/** One page, one failure or one parking of a projection. */
export interface ProjectionMeasure {
  readonly projection: string
  readonly outcome: 'page' | 'failure' | 'parked'
  readonly events: number
  readonly ms: number
  /** Commits between its place and the head. */
  readonly lag: number
}

export function projectionMetrics({ meter }: Instruments): (measure: ProjectionMeasure) => void {
  const events = meter.createCounter('annals.projection.events', {
    description: 'Events that a projection has handled.',
  })
  const pages = meter.createHistogram('annals.projection.page', { unit: 's', description: 'Duration of a page.' })
  const failures = meter.createCounter('annals.projection.failures', {
    description: 'Pages that failed and come again.',
  })
  const parked = meter.createCounter('annals.projection.parked', { description: 'Projections that wait for a person.' })
  const lag = meter.createHistogram('annals.projection.lag', {
    unit: '{commit}',
    description: 'Commits that a projection is behind the head, after each page.',
  })
  return ({ projection, outcome, ...measure }) => {
    if (outcome === 'failure') failures.add(1, { projection })
    if (outcome === 'parked') parked.add(1, { projection })
    if (outcome !== 'page') return
    events.add(measure.events, { projection })
    pages.record(measure.ms / 1000, { projection })
    lag.record(measure.lag, { projection })
  }
}
