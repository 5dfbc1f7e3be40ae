import type { AddCommand } from '../program.js'
export const addLoad: AddCommand = (make) => {
  make('load', 'x', 'x')
}
