/** The flags of every command that writes: who, why, and as which request. */
import type { Command } from 'commander'
import type { WriteOptions } from '../index.js'

export interface AuditFlags {
  readonly actor?: string
  readonly reason?: string
  readonly correlation?: string
  readonly requestKey?: string
}

export const withAuditFlags = (command: Command): Command =>
  command
    .option('--actor <name>', 'who does it, for the audit')
    .option('--reason <text>', 'why, for the audit')
    .option('--correlation <id>', 'what it is part of: what shares it can be taken back together')
    .option('--request-key <key>', 'idempotency key: a second call with it returns the first result')

export const auditOptions = ({ actor, reason, correlation, requestKey }: AuditFlags): WriteOptions => ({
  actor,
  reason,
  correlation,
  request: requestKey,
})
