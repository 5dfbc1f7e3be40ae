/** Bodies are bytes: checked as JSON, kept as received, and only spliced. */
export type { JsonKind, Member, Meta, Outline } from './outline.js'
export { MAX_DEPTH, scanBody } from './scan.js'
export { planStamp, type Stamp, type StampPlan, stampedLength, stampInto, toLine } from './stamp.js'
export { numberTokens, type SameTokensOptions, sameTokens } from './tokens.js'
export { elementsOf, isArrayAt, isObjectAt, membersOf, type NamedSpan, type Span, textAt, visitTexts } from './walk.js'
