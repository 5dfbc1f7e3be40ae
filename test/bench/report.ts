/** The figures as a table in Markdown: medians, their ranges, and how Annals compares. */
import fs from 'node:fs'
import os from 'node:os'
import type { Figures } from './measure.js'
import { type Metric, type Scenario, type Subject, subjectTitles } from './plan.js'

export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
}

export function summaryOf(values: ReadonlyArray<number>): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
  return { median, min: sorted[0] as number, max: sorted.at(-1) as number, runs: sorted.length }
}

export function tableOf(scenarios: ReadonlyArray<Scenario>, figures: Figures): string {
  const rows = scenarios.flatMap((scenario) => scenario.metrics.map((metric) => rowOf(scenario, metric, figures)))
  return [
    '| | unit | Annals | floor | Annals ÷ floor | peers (Annals ÷ peer) |',
    '|---|---|--:|--:|--:|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}

function rowOf(scenario: Scenario, metric: Metric, figures: Figures): string[] {
  const of = (subject: Subject): Summary | undefined => {
    const values = figures.get(scenario.name)?.get(subject)?.get(metric.key)
    return values && summaryOf(values)
  }
  const annals = of('annals')
  const floor = of('floor')
  const runs = annals?.runs ?? 0
  const peers = scenario.subjects.flatMap((subject) => {
    const peer = subject === 'annals' || subject === 'floor' ? undefined : of(subject)
    if (peer === undefined) return []
    const some = peer.runs < runs ? `, failed in ${runs - peer.runs} of ${runs} runs` : ''
    return [`${subjectTitles[subject]} ${figure(peer.median)} (${ratio(annals, peer, metric)}${some})`]
  })
  return [
    metric.title,
    metric.unit,
    annals === undefined ? '–' : `**${figure(annals.median)}** (${figure(annals.min)}–${figure(annals.max)})`,
    floor === undefined ? '–' : figure(floor.median),
    ratio(annals, floor, metric),
    peers.join('; ') || '–',
  ]
}

/** How fast Annals is, compared: over 1 is faster, for rates and for times. */
function ratio(annals: Summary | undefined, other: Summary | undefined, { isTime }: Metric): string {
  if (annals === undefined || other === undefined) return '–'
  const compared = isTime ? other.median / annals.median : annals.median / other.median
  return `× ${compared < 10 ? compared.toFixed(2) : compared.toFixed(0)}`
}

const figure = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value >= 10 ? value.toFixed(1) : value.toFixed(2)

export function jsonOf(figures: Figures): object {
  const subjects = (of: Map<Subject, Map<string, number[]>>): object =>
    Object.fromEntries(
      [...of].map(([subject, metrics]) => [
        subject,
        Object.fromEntries([...metrics].map(([key, values]) => [key, { ...summaryOf(values), values }])),
      ]),
    )
  return { machine: machine(), scenarios: Object.fromEntries([...figures].map(([name, of]) => [name, subjects(of)])) }
}

/** What the figures were measured on. */
export function machine(): string {
  const cpus = os.cpus()
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`
  return `${cpus.length} × ${cpus[0]?.model.trim() || 'CPU'}, ${memory}, ${osName()}, Node ${process.versions.node}`
}

function osName(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1]
    return `${name ?? os.type()}, Linux ${os.release()}`
  } catch {
    return `${os.type()} ${os.release()}`
  }
}
