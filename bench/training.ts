/**
 * One training step, ours against PyTorch's on the same CPU: the same network from the same start on the same batch, steps in turns, each side a process of its own.
 *
 *     tsx bench/training.ts [rounds] [part of a row's name] [threads, e.g. 1,2]
 *
 * Wall clock and CPU time (user and system) of a step, medians; on a busy machine CPU time at one thread is the figure to trust, since waiting does not count (with more
 * threads it counts the spinning of those that wait). Peak memory is the process's, from its first step on. `loss` is how far the losses of the timed steps were apart.
 */
import { join } from 'node:path';
import type { Initializer } from '../models/graph/serialise';
import { writeGraph } from './graphFile';
import { findPython, LineProcess, type Answer } from './lineProcess';
import { inFolder, markdown, median } from './measure';
import { TRAINING_ROWS, type TrainingRow } from './trainingRows';

/** What a turn takes, about. */
const TURN_MS = 200;

const HEAD = ['training step', 'threads', 'ours, ms', 'PyTorch, ms', 'ratio', 'ours, CPU ms', 'PyTorch, CPU ms', 'ratio of CPU', 'ours, MB', 'PyTorch, MB', 'losses differ by'];

/** Writes what training.py reads. */
function writeRow(row: TrainingRow, stem: string): void {
  const initializers = [
    ...Object.entries(row.start).map(([name, data]): Initializer => ({ name, dtype: 'float32', dims: row.shapes[name], data })),
    ...Object.entries(row.batch).map(([name, { dims, data }]): Initializer => ({ name, dtype: data instanceof Float32Array ? 'float32' : 'uint8', dims, data })),
  ];
  const { torch, rate, graph: { optimiser } } = row;
  writeGraph({ initializers, torch, rate, optimiser, parameters: Object.keys(row.start) }, stem);
  if (row.forward) writeGraph(row.forward, `${stem}.graph`);
}

async function compare(name: string, python: string, stem: string, threads: number, rounds: number): Promise<string[]> {
  const ours = new LineProcess(process.execPath, ['--expose-gc', '--import', 'tsx', join(import.meta.dirname, 'trainingStep.ts'), name, String(threads)]);
  const torch = new LineProcess(python, [join(import.meta.dirname, 'pytorch/training.py'), stem, String(threads)], { OMP_NUM_THREADS: String(threads) });
  try {
    const sides = [ours, torch];
    for (const side of sides) await side.answer();
    const steps = sides.map((): Answer[] => []);
    // Two steps that are not timed, then turns in alternating order; a turn of small networks has several steps, as a training has.
    const [, { ms }] = [await ours.ask('step'), await ours.ask('step')];
    for (let step = 0; step < 2; step++) await torch.ask('step');
    const turn = Math.max(1, Math.min(20, Math.round(TURN_MS / Number(ms))));
    for (let round = 0; round < rounds; round++) {
      for (const i of round % 2 ? [0, 1] : [1, 0]) {
        for (let step = 0; step < turn; step++) steps[i].push(await sides[i].ask('step'));
      }
    }
    const of = (i: number, key: string): number => median(steps[i].map(step => Number(step[key])));
    const [mb, torchMb] = [await ours.ask('memory'), await torch.ask('memory')].map(answer => Number(answer['mb']));
    const apart = Math.max(...steps[0].map(({ loss }, i) => Math.abs(Number(loss) / Number(steps[1][i]['loss']) - 1)));
    const pair = (key: string): string[] => [of(0, key).toFixed(1), of(1, key).toFixed(1), (of(0, key) / of(1, key)).toFixed(2)];
    return [name, String(threads), ...pair('ms'), ...pair('cpu'), mb.toFixed(0), torchMb.toFixed(0), apart.toExponential(1)];
  } finally {
    for (const side of [ours, torch]) side.stop();
  }
}

/** The comparison as a table; each line is told to `progress` as soon as it is known. */
export async function trainingReport(rounds: number, progress: (line: string) => void, only = '', threads: readonly number[] = [1, 2]): Promise<string> {
  const python = findPython();
  if (python === undefined) return 'PyTorch is not installed (Debian: python3-torch): nothing was compared.';
  const rows: string[][] = [];
  for (const [name, make] of Object.entries(TRAINING_ROWS).filter(([name]) => name.includes(only))) {
    await inFolder(async folder => {
      const stem = join(folder, 'row');
      writeRow(await make(), stem);
      for (const count of threads) {
        const row = await compare(name, python, stem, count, rounds);
        rows.push(row);
        progress(row.join('  '));
      }
    });
  }
  return markdown(HEAD, rows);
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = '15', only = '', threads = '1,2'] = process.argv.slice(2);
  void trainingReport(Number(rounds), line => console.error(line), only, threads.split(',').map(Number)).then(console.log);
}
