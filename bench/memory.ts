/**
 * Is the memory of a run flat? The engine's peak (resident set, with its child processes) over a small and a ten times larger folder of photos:
 *
 *     tsx bench/memory.ts [--quick | --counts 200,2000] [--data FOLDER] [--cache-mb N]
 *
 * `--quick`: 40 and 400 photos instead of 200 and 2,000. The photos are those of the data set in turns, at 200 px and with different bytes, so each is
 * decoded, run through the backbone (at 384 px, as any photo) and given its mask. A cache smaller than the folder has features computed twice.
 * Linux only (/proc). Goals: the peaks differ by less than 150 MB and stay below 2.5 GB.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EngineClient } from '../src/engine/client';
import { DEFAULT_SETTINGS } from '../src/shared/settings';
import { ENGINE, inFolder, makeDataSet, markdown, multiply } from './measure';

const SAMPLE_MS = 250;
const LONG_SIDE = 200;

export interface Peak {
  photos: number;
  seconds: number;
  /** Largest resident set of the engine process, MB. */
  engine: number;
  /** Largest sum over the engine and its children, as sampled, MB. */
  tree: number;
  /** Of the engine, when each tenth of the photos had its mask, MB. */
  course: number[];
}

export interface MemoryOptions {
  data?: string;
  counts: readonly number[];
  cacheLimitMb: number;
}

async function measureMemory({ data, counts, cacheLimitMb }: MemoryOptions, report: (peak: Peak) => void): Promise<void> {
  await inFolder(async folder => {
    await makeDataSet(join(folder, 'data'), data, 200);
    for (const count of counts) {
      const root = join(folder, String(count));
      await multiply(join(folder, 'data'), root, count, LONG_SIDE);
      report(await peakOf(root, count, cacheLimitMb));
    }
  });
}

function memoryTable(peaks: readonly Peak[]): string {
  const [first] = peaks;
  return markdown(
    ['photos', 'seconds', 'engine peak, MB', 'with children, MB', 'against the first, MB'],
    peaks.map(({ photos, seconds, engine, tree }) => [String(photos), seconds.toFixed(0), engine.toFixed(0), tree.toFixed(0), (engine - first.engine).toFixed(0)]),
  );
}

async function peakOf(root: string, photos: number, cacheLimitMb: number): Promise<Peak> {
  const client = new EngineClient({ entry: ENGINE });
  const peak: Peak = { photos, seconds: 0, engine: 0, tree: 0, course: [] };
  let running = true;
  const watching = (async () => {
    for (; running; await sleep(SAMPLE_MS)) {
      if (client.pid === undefined) continue;
      peak.engine = Math.max(peak.engine, megabytes(client.pid, 'VmHWM'));
      peak.tree = Math.max(peak.tree, family(client.pid).reduce((sum, pid) => sum + megabytes(pid, 'VmRSS'), 0));
    }
  })();
  try {
    let done = 0;
    const summary = await client.request('generate', { root, settings: { ...DEFAULT_SETTINGS, device: 'cpu', cacheLimitMb } }, {
      onEvent: event => {
        if (event.type === 'photo' && ++done % Math.ceil(photos / 10) === 0 && client.pid !== undefined) peak.course.push(megabytes(client.pid, 'VmRSS'));
      },
    });
    if (summary.written !== photos) throw new Error(`${summary.written} of ${photos} masks were written: ${JSON.stringify(summary.failed.slice(0, 3))} ${summary.error ?? ''}`);
    peak.seconds = summary.seconds;
    return peak;
  } finally {
    running = false;
    await watching;
    await client.dispose();
  }
}

/** A process and all below it. */
function family(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

/** A line of /proc/<pid>/status; 0 when the process has gone. */
function megabytes(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`${field}:\\s*(\\d+) kB`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1000;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Peaks as a table; each run's is told to `progress` when it ends. */
export async function memoryReport(options: MemoryOptions, progress: (line: string) => void): Promise<string> {
  const peaks: Peak[] = [];
  await measureMemory(options, peak => {
    peaks.push(peak);
    progress(`${peak.photos} photos: ${peak.engine.toFixed(0)} MB; during the masks ${peak.course.map(value => value.toFixed(0)).join(' ')}`);
  });
  return memoryTable(peaks);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, counts: { type: 'string' }, data: { type: 'string' }, 'cache-mb': { type: 'string', default: '1000' } } });
  const counts = values.counts?.split(',').map(Number) ?? (values.quick ? [40, 400] : [200, 2000]);
  console.log(await memoryReport({ data: values.data, counts, cacheLimitMb: Number(values['cache-mb']) }, line => console.error(line)));
}

if (process.argv[1] === import.meta.filename) void main();
