/** Failures that only a command line has, beside those of the store. */
import { exitCodes } from './exit.js'

const exitCodeByTag = {
  /** A flag, an argument or a file is not acceptable. */
  Usage: exitCodes.usage,
  /** There is no such resource, or no such version. */
  NotFound: exitCodes.failed,
  /** Some of what was asked for could not be done. */
  Failed: exitCodes.failed,
  /** The version is a deletion: it has no body. */
  Deleted: exitCodes.failed,
} as const

export class CliFailure extends Error {
  constructor(
    readonly tag: keyof typeof exitCodeByTag,
    message: string,
    readonly data: Readonly<Record<string, string | number>> = {},
  ) {
    super(message)
  }

  get exitCode(): number {
    return exitCodeByTag[this.tag]
  }

  /** The same shape as an error of the store. */
  toJSON(): object {
    const code = `ANNALS_${this.tag.replace(/(?<!^)([A-Z])/g, '_$1').toUpperCase()}`
    return { tag: this.tag, code, message: this.message, retryable: false, ...this.data }
  }
}

export const usage = (message: string): CliFailure => new CliFailure('Usage', message)

/** Thrown by a write to a pipe whose reader went away (`annals log | head`): the command ends quietly. */
export class PipeClosed extends Error {}
