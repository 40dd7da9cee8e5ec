/**
 * Times our operators and PyTorch's on the same inputs, taking turns so that both meet the same machine, and prints medians and ratios:
 *
 *     tsx bench/pytorch.ts [rounds]
 *
 * PyTorch is looked for in the interpreter that PYTHON names, else in /usr/bin/python3 and python3; without it the bench says so.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxHost } from '../src/engine/session';
import type { GraphHost } from '../src/shared/graph';
import { markdown, median } from './measure';
import { findPython, LineProcess } from './lineProcess';
import { ROWS, type OperatorInput, type OperatorRow } from './operators';

export interface Comparison {
  name: string;
  /** The function of operators.py. */
  operator: string;
  /** Medians in milliseconds. */
  ours: number;
  torch: number;
  /** Largest difference of the results. */
  difference: number;
}

const THREADS = availableParallelism();

/** All rows; `rounds` timed runs each, after one that is not timed. Undefined where PyTorch is not installed. */
export async function comparePytorch(rounds: number, report: (line: Comparison) => void): Promise<string | undefined> {
  const python = findPython();
  if (!python) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'seedmask-bench-'));
  const torch = new LineProcess(python, [join(import.meta.dirname, 'pytorch/operators.py'), String(THREADS)]);
  try {
    const { version, threads } = await torch.answer();
    const host: GraphHost = new OnnxHost('cpu', { threads: THREADS });
    for (const make of ROWS) {
      const row = await make(host);
      for (const operator of row.operators) report(await compare(row, operator, torch, folder, rounds));
      await row.release?.();
    }
    return `PyTorch ${String(version)}, ${String(threads)} threads`;
  } finally {
    torch.stop();
    rmSync(folder, { recursive: true });
  }
}

async function compare(row: OperatorRow, operator: string, torch: LineProcess, folder: string, rounds: number): Promise<Comparison> {
  const inputs = Object.fromEntries(Object.entries(row.inputs).map(([name, input]) => [name, save(input, join(folder, name))]));
  await torch.ask('load', { operator, inputs, parameters: row.parameters });
  await torch.ask('run');
  await torch.ask('save', { file: join(folder, 'result') });
  const bytes = readFileSync(join(folder, 'result'));
  const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const actual = await row.run();
  const difference = actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), actual.length === expected.length ? 0 : Infinity);

  const times = { ours: [] as number[], torch: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await row.run();
    times.ours.push(performance.now() - start);
    times.torch.push(Number((await torch.ask('run')).ms));
  }
  return { name: row.name, operator, ours: median(times.ours), torch: median(times.torch), difference };
}

function save({ data, shape }: OperatorInput, file: string): Record<string, unknown> {
  writeFileSync(file, data);
  return { file, shape, type: data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8' };
}

/** The comparison as a table; each line is told to `progress` as soon as it is known. */
export async function pytorchReport(rounds: number, progress: (line: string) => void): Promise<string> {
  const rows: string[][] = [];
  const torch = await comparePytorch(rounds, ({ name, operator, ours, torch: theirs, difference }) => {
    const row = [name, operator, ours.toFixed(1), theirs.toFixed(1), (ours / theirs).toFixed(3), difference.toExponential(1)];
    rows.push(row);
    progress(row.join('  '));
  });
  if (torch === undefined) return 'PyTorch is not installed (Debian: python3-torch): nothing was compared.';
  return `${torch}.\n\n${markdown(['operator', 'PyTorch as', 'ours, ms', 'PyTorch, ms', 'ours / PyTorch', 'largest difference'], rows)}`;
}

if (process.argv[1] === import.meta.filename) void pytorchReport(Number(process.argv[2] ?? 5), line => console.error(line)).then(console.log);
