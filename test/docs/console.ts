/** What a page shows after `$ `, typed into one shell, command by command; and whether what comes back is what is shown. */
import { spawn } from 'node:child_process'

export interface Shown {
  readonly command: string
  readonly output: string
}

/** Of all `console` blocks of a page. A command with a quote that is not closed goes on in the next line. */
export function commandsOf(page: string): Shown[] {
  const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  return blocks.join('').split(/^\$ /m).slice(1).map(shownIn)
}

function shownIn(text: string): Shown {
  const lines = text.split('\n')
  const end = lines.findIndex((_, i) => isFinished(lines.slice(0, i + 1).join('\n'))) + 1
  return { command: lines.slice(0, end).join('\n'), output: lines.slice(end).join('\n').trimEnd() }
}

const isFinished = (command: string): boolean => !command.endsWith('\\') && command.split("'").length % 2 === 1

/** Where `…` is shown, anything may stand; ids and instants are others each time. */
export function isAsShown(said: string, shown: string): boolean {
  const parts = alike(shown)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^]*?')}$`).test(alike(said))
}

const alike = (text: string): string =>
  text
    .replaceAll('\r', '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '(instant)')
    .replace(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g, '(date)')
    .replace(/\b0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f-]{21}\b/g, '(id)')
    .trimEnd()

export interface Shell {
  /** What a command says. One in the background is heard until it has said as many lines as are shown. */
  run(shown: Shown): Promise<string>
  end(): Promise<void>
}

/** Behind what each command says. */
const mark = '\x1e'

export function openShell(folder: string, env: NodeJS.ProcessEnv): Shell {
  const shell = spawn('sh', { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => shell.once('close', resolve))
  let said = ''
  let look = (): void => undefined
  shell.stdout.on('data', (chunk) => {
    said += chunk
    look()
  })
  shell.stdin.write('exec 2>&1\n')
  return {
    run: ({ command, output }) =>
      new Promise((resolve, reject) => {
        const lines = command.endsWith('&') ? output.split('\n').length : 0
        said = ''
        look = () => {
          if (said.includes(mark) && said.split('\n').length > lines) resolve(said.replace(mark, ''))
        }
        void ended.then(() => reject(new Error(`the shell ended: ${said}`)))
        shell.stdin.write(`${command}\nprintf '${mark}'\n`)
      }),
    end: async () => {
      shell.stdin.end()
      await ended
    },
  }
}
