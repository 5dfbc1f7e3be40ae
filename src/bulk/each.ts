/** Does a step for each, one after the other: what fails stops none of the others, and is thrown when all have had their turn. */
export async function forEachOf<A>(
  all: AsyncIterable<A>,
  step: (one: A) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  let failed: { readonly error: unknown } | undefined
  for await (const one of all) {
    if (signal?.aborted === true) break
    try {
      await step(one)
    } catch (error) {
      failed ??= { error }
    }
  }
  if (failed !== undefined) throw failed.error
}
