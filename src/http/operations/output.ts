/** What an operation answers, as a Parameters resource. */
export type Out = { readonly name: string; readonly part?: ReadonlyArray<Out>; readonly resource?: object } & {
  readonly [value: `value${string}`]: unknown
}

export const parametersJson = (parameter: ReadonlyArray<Out>): Buffer =>
  Buffer.from(JSON.stringify({ resourceType: 'Parameters', ...(parameter.length === 0 ? undefined : { parameter }) }))
