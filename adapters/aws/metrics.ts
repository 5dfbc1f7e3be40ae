/** The requests of the AWS clients as metrics: what AWS bills, retries included. */
import type { Instruments } from '../telemetry/meter.js'
import type { OnRequest } from './requests.js'

export function requestMetrics({ meter }: Instruments): OnRequest {
  const requests = meter.createCounter('annals.aws.requests', {
    description: 'Requests to AWS services, retries included, by service, operation and outcome.',
  })
  const retries = meter.createCounter('annals.aws.retries', { description: 'Requests that repeat a failed one.' })
  const bytes = meter.createCounter('annals.aws.bytes', { unit: 'By', description: 'Bytes of bodies, by direction.' })
  const latency = meter.createHistogram('annals.aws.latency', { unit: 's', description: 'Until the answer began.' })
  return ({ service, operation, attempt, status, bytesSent, bytesReceived, ms }) => {
    const outcome = status === undefined ? 'no answer' : String(status)
    requests.add(1, { service, operation, outcome })
    if (attempt > 1) retries.add(1, { service, operation })
    if (bytesSent > 0) bytes.add(bytesSent, { service, operation, direction: 'sent' })
    if (bytesReceived > 0) bytes.add(bytesReceived, { service, operation, direction: 'received' })
    latency.record(ms / 1000, { service, operation })
  }
}
