/** The routes of bulk exports, and who works on them. */
import type { FastifyInstance } from 'fastify'
import type { Store } from '../../index.js'
import type { Context } from '../context.js'
import type { CheckPoll } from '../polling.js'
import { workWhileListening } from '../workers.js'
import { addFiles } from './export-files.js'
import { addKickOffs } from './export-kick-off.js'
import { addStatus } from './export-status.js'

export function addExports(scope: FastifyInstance, context: Context, checkPoll: CheckPoll): void {
  addKickOffs(scope, context)
  addStatus(scope, context, checkPoll)
  addFiles(scope, context)
}

/** While it listens, a server goes on with what others have left, and removes what has expired. */
export function addExportWorker(app: FastifyInstance, store: Store): void {
  const onFailure = (error: unknown): void => app.log.warn({ err: error }, 'no work on exports for now')
  workWhileListening(app, () => store.exports.work({ onFailure }))
}
