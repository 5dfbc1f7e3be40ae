/** `annals/lambda`: projections as an AWS Lambda function. */
export {
  type BatchResponse,
  type InvocationContext,
  type ProjectionHandler,
  type ProjectionHandlerOptions,
  projectionHandler,
} from './handler.js'
export type { FailurePlace } from './report.js'
