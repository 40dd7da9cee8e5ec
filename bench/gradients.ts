/**
 * Every operator's gradient, ours (single precision) against PyTorch's (double), on the cases that the tests take by finite differences:
 *
 *     tsx bench/gradients.ts
 *
 * Prints the worst error of each case, relative to the largest element of that gradient. Needs PyTorch (see `lineProcess.ts`); without it the script says so.
 */
import { join } from 'node:path';
import { gradients } from '../models/autodiff/gradients';
import { GraphBuilder } from '../models/graph/builder';
import { OnnxHost } from '../src/engine/session';
import { floats, type GraphHost } from '../src/shared/graph';
import { CASES, numbers, type Case } from '../test/gradientCases';
import { writeGraph } from './graphFile';
import { findPython, LineProcess } from './lineProcess';
import { inFolder, markdown } from './measure';

/** Worst relative error of a case's gradients. */
async function errorOf(host: GraphHost, torch: LineProcess, { shapes, build }: Case, stem: string): Promise<number> {
  const g = new GraphBuilder();
  const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
  const y = build(g, ...inputs);
  const loss = g.sum(g.reshape(g.mul(y, g.constant(numbers(y.size, 99), y.shape)), [y.size]), [0], false);
  g.output('loss', loss);
  writeGraph(g.describe(), stem);
  gradients(g, loss, inputs).forEach((gradient, i) => g.output(`d${i}`, gradient));
  const feeds = inputs.map(({ name, shape, size }, i) => ({ name, dims: shape, data: numbers(size, i + 1) }));
  const runner = await host.open(g.toOnnx());
  const ours = await runner.run(Object.fromEntries(feeds.map(({ name, dims, data }) => [name, { dims, data }])));
  await runner.release();
  const answer = await torch.ask('gradients', { stem, inputs: feeds.map(feed => ({ ...feed, data: [...feed.data] })) });
  const theirs = answer['gradients'] as (number[] | null)[];
  return Math.max(...theirs.map((exact, i) => {
    const { data } = floats(ours, `d${i}`);
    const wanted = exact ?? new Array<number>(data.length).fill(0);
    const largest = Math.max(...wanted.map(Math.abs), 1e-6);
    return Math.max(...wanted.map((value, k) => Math.abs(value - data[k]))) / largest;
  }));
}

/** The comparison as a table. */
export async function gradientsReport(): Promise<string> {
  const python = findPython();
  if (python === undefined) return 'PyTorch is not installed (Debian: python3-torch): nothing was compared.';
  return inFolder(async folder => {
    const torch = new LineProcess(python, [join(import.meta.dirname, 'pytorch/gradients.py')]);
    try {
      const { version } = await torch.answer();
      const host = new OnnxHost('cpu', { threads: 1 });
      const errors: [string, number][] = [];
      for (const [i, [name, one]] of Object.entries(CASES).entries()) errors.push([name, await errorOf(host, torch, one, join(folder, String(i)))]);
      const rows = errors.toSorted(([, a], [, b]) => b - a).map(([name, error]) => [name, error.toExponential(1)]);
      return `PyTorch ${String(version)}, ${rows.length} cases.\n\n${markdown(['gradient of', 'worst relative error'], rows)}`;
    } finally {
      torch.stop();
    }
  });
}

if (process.argv[1] === import.meta.filename) void gradientsReport().then(console.log);
