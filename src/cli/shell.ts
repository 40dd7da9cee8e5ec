/**
 * A real shell around `main`: this process's streams, signals and exit code. The first Ctrl+C asks the run to stop, the second ends everything.
 */
import { EXIT } from './io';
import { main } from './main';
import { EngineClient, type EngineClientOptions } from '../engine/client';

/** npx and timeout(1) pass on a signal that the process group has got already: that is still the first one. In milliseconds. */
const SAME_SIGNAL_MS = 300;

export async function runInShell(version: string, engine: Pick<EngineClientOptions, 'entry' | 'execArgv'>): Promise<void> {
  const client = new EngineClient({
    ...engine,
    ...(process.env['SEEDMASK_DEBUG'] !== undefined && { log: (line: string) => void process.stderr.write(`engine: ${line}\n`) }),
  });
  const interrupt = new AbortController();
  let asked = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) {
        if (performance.now() - asked < SAME_SIGNAL_MS) return;
        if (client.pid !== undefined) process.kill(client.pid, 'SIGKILL');
        process.exit(EXIT.cancelled);
      }
      asked = performance.now();
      process.stderr.write('\nstopping; once more to stop at once\n');
      interrupt.abort();
    });
  }
  // A reader that has gone (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed));
  process.exitCode = await main(process.argv.slice(2), version, {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    tty: process.stderr.isTTY === true,
    client,
    signal: interrupt.signal,
  });
  await client.dispose();
}
