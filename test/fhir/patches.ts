/** FHIRPath Patches, as short as they can be written. */
type Value = Readonly<Record<string, unknown>>

const part = (name: string, value: Value) => ({ name, ...value })

const operation = (type: string, path: string, ...parts: ReadonlyArray<Value>) => ({
  name: 'operation',
  part: [part('type', { valueCode: type }), part('path', { valueString: path }), ...parts],
})

export const parameters = (...operations: ReadonlyArray<unknown>) => ({
  resourceType: 'Parameters',
  parameter: operations,
})

/** `value`: such as `{ valueString: 'x' }`, or `{ part: […] }`. */
export const add = (path: string, name: string, value: Value) =>
  operation('add', path, part('name', { valueString: name }), part('value', value))
export const insert = (path: string, index: number, value: Value) =>
  operation('insert', path, part('index', { valueInteger: index }), part('value', value))
export const remove = (path: string) => operation('delete', path)
export const replace = (path: string, value: Value) => operation('replace', path, part('value', value))
export const move = (path: string, source: number, destination: number) =>
  operation('move', path, part('source', { valueInteger: source }), part('destination', { valueInteger: destination }))
