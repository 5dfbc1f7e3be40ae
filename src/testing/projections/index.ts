/** For authors of projections: what has to hold for every one of them, and a short way to test one. */
export { projectionContract } from './contract.js'
export type { GivenTransaction, History, SignedTransaction } from './history.js'
export type { ProjectionPromise, ProjectionSubject } from './subject.js'
export { type ProjectHistoryOptions, projectHistory } from './world.js'
