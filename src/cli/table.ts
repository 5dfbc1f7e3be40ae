/** Rows: aligned columns under a heading on a terminal, tab-separated and bare in a pipe. */
import type { Colors } from './io.js'
import type { Output } from './output.js'
import { safe } from './text.js'

export interface Column {
  readonly title: string
  readonly right?: boolean
  /** How the cell looks on a terminal; must not change its width. */
  readonly paint?: (colors: Colors, cell: string, row: ReadonlyArray<string>) => string
}

export interface Table {
  row(cells: ReadonlyArray<string>): Promise<void>
  /** Shows what was gathered for alignment. */
  flush(): Promise<void>
}

/** Rows that are aligned with each other; later ones keep at least these widths. */
const block = 200

export function makeTable(out: Output, colors: Colors, columns: ReadonlyArray<Column>): Table {
  if (!out.isTerminal) return { row: (cells) => out.line(cells.map(safe).join('\t')), flush: async () => undefined }
  const widths = columns.map(({ title }) => title.length)
  let rows: string[][] = []
  let titled = false

  const pad = (cell: string, i: number): string =>
    columns[i]?.right ? cell.padStart(widths[i] ?? 0) : i === columns.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)

  async function flush(): Promise<void> {
    for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
    if (!titled && rows.length > 0) await out.line(colors.dim(columns.map(({ title }, i) => pad(title, i)).join('  ')))
    titled ||= rows.length > 0
    for (const row of rows) {
      const cells = row.map((cell, i) => columns[i]?.paint?.(colors, pad(cell, i), row) ?? pad(cell, i))
      await out.line(cells.join('  ').trimEnd())
    }
    rows = []
  }

  return {
    async row(cells) {
      rows.push(cells.map(safe))
      if (rows.length >= block) await flush()
    },
    flush,
  }
}
