/**
 * The `seedmask` command: finds the command, runs it, and turns whatever happens into words and an exit code.
 */
import { debias } from './debias';
import { doctor } from './doctor';
import { evaluate } from './eval';
import { explain } from './explain';
import { EXIT, UsageError, type Command, type ExitCode, type Io } from './io';
import { run } from './run';
import { train } from './train';
import { describeError, SeedMaskError, type ErrorReason } from '../shared/errors';

const COMMANDS: Readonly<Record<string, Command>> = { run, train, debias, explain, eval: evaluate, doctor };

/** Reasons that lie in what was asked for: exit code 2. */
const ASKED_WRONGLY: ReadonlySet<ErrorReason> = new Set(['bad-settings', 'unavailable']);

function overview(version: string): string {
  const names = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `seedmask ${version}: masks from image tags\n\nseedmask <command> [options]; 'seedmask <command> --help' tells more.\n\n${names.join('\n')}\n`;
}

/** @param args without node and the script */
export async function main(args: readonly string[], version: string, io: Io): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === '--version') {
    io.out(`${version}\n`);
    return EXIT.ok;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? io.err : io.out)(overview(version));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    io.err(`seedmask: there is no command '${name}'\n\n${overview(version)}`);
    return EXIT.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(command.help);
    return EXIT.ok;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    return report(error, name, rest.includes('--json'), io);
  }
}

function report(error: unknown, command: string, json: boolean, io: Io): ExitCode {
  const reason = error instanceof SeedMaskError ? error.reason : error instanceof UsageError ? 'usage' : 'bug';
  if (json) io.out(`${JSON.stringify({ error: { reason, message: describeError(error) } })}\n`);
  io.err(`seedmask ${command}: ${describeError(error)}\n`);
  if (error instanceof UsageError) io.err(`'seedmask ${command} --help' tells how it is used.\n`);
  if (reason === 'cancelled') return EXIT.cancelled;
  return error instanceof UsageError || (error instanceof SeedMaskError && ASKED_WRONGLY.has(error.reason)) ? EXIT.usage : EXIT.failed;
}
