/**
 * Our side of `bench/training.ts`: a process that makes training steps of one row when it is asked to, so that its memory is that of the training alone.
 *
 *     node --expose-gc --import tsx bench/trainingStep.ts ROW THREADS
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Trainer } from '../models/trainer';
import { OnnxHost } from '../src/engine/session';
import { TRAINING_ROWS } from './trainingRows';

async function main(name: string, threads: number): Promise<void> {
  const row = await TRAINING_ROWS[name]();
  const trainer = await Trainer.open(new OnnxHost('cpu', { threads }), row.graph, row.start);
  global.gc?.();
  forgetPeak();
  const say = (answer: unknown): void => console.log(JSON.stringify(answer));
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    if ('memory' in (JSON.parse(line) as object)) {
      say({ mb: peakMb() });
      continue;
    }
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const loss = await trainer.step(row.batch, row.rate);
    const { user, system } = process.cpuUsage(cpu);
    say({ loss, ms: performance.now() - start, cpu: (user + system) / 1000 });
  }
}

/** Linux: the peak of resident memory counts from now on. */
function forgetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function peakMb(): number {
  const peak = process.platform === 'linux' ? /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) : undefined;
  return (peak ? Number(peak[1]) : process.resourceUsage().maxRSS) / 1024;
}

void main(process.argv[2], Number(process.argv[3]));
