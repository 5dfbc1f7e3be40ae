/**
 * For those who write adapters or projections, or tests of code that uses a store: the contract of each port as a suite, the
 * contract of a projection, and a clock driven by hand. Needs no test framework: every promise is a sentence and a function
 * that throws when it is broken.
 */

export { memoryBlobStore, memoryDoorbell, memoryPointerStore, memorySecrets } from '../../adapters/memory/index.js'
export type * from '../../domain/ports/index.js'
export { type ManualClock, manualClock } from './clock.js'
export * from './contracts/index.js'
export * from './projections/index.js'
