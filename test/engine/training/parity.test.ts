/**
 * Our training steps against PyTorch's: same start, same batch, so the same losses and the same parameters. PyTorch's numbers (double precision) were made once by
 * `bench/pytorch/trainingSteps.py`; ours are those of the runtime in single precision.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GraphBuilder } from '../../../models/graph/builder';
import { batchNorm, groupNorm } from '../../../models/graph/normalise';
import { product, type Value } from '../../../models/graph/value';
import { labelCrossEntropy, OUTSIDE, softMargin } from '../../../models/losses';
import { trainingGraph, type CommonOptions, type OptimiserOptions } from '../../../models/optimisers';
import { merge, puzzleLosses, tile } from '../../../models/puzzle';
import { polyRate } from '../../../models/schedules';
import { Trainer } from '../../../models/trainer';
import { cpuHost } from '../../cpuHost';

type Shapes = Readonly<Record<string, readonly number[]>>;

interface Steps {
  losses: number[];
  parameters: Record<string, number[]>;
}

/** Largest relative difference of a loss, and largest difference of a parameter relative to the way it went. */
const MOST = { loss: 1e-6, parameter: 1e-4 };

/** The same formula as in trainingSteps.py. */
function numbers(size: number, seed: number, scale = 0.5): Float32Array {
  let state = (seed * 2654435761 + 1) % 2 ** 32;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

function integers(size: number, seed: number, below: number): number[] {
  return Array.from(numbers(size, seed), x => Math.min(below - 1, Math.floor((x + 0.5) * below)));
}

const given = (g: GraphBuilder, shape: readonly number[], seed: number, scale?: number, shift = 0): Value =>
  g.constant(numbers(product(shape), seed, scale).map(x => x + shift), shape);
const flags = (g: GraphBuilder, shape: readonly number[], values: readonly number[]): Value => g.constant(Float32Array.from(values), shape);

const labelMap = (g: GraphBuilder, shape: readonly number[], labels: readonly number[]): Value => g.constant(Int32Array.from(labels), shape);

const HEADS = { w: [4, 12], b: [4] };
const heads = (g: GraphBuilder, { w, b }: Record<string, Value>): Value =>
  softMargin(g, g.gemm(given(g, [6, 12], 101), w, b, { transB: true }), flags(g, [6, 4], integers(24, 102, 2)));

/** A case: the shapes of the parameters (their places in the list are their seeds), the loss, and what the optimiser does besides. */
const CASES: Record<string, { shapes: Shapes; loss: (g: GraphBuilder, p: Record<string, Value>) => Value; options?: CommonOptions }> = {
  heads: { shapes: HEADS, loss: heads },
  clipping: { shapes: HEADS, loss: heads, options: { clipNorm: 0.05, ema: 0.9 } },
  decoder: {
    shapes: { w1: [8, 10], b1: [8], w2: [5, 8], b2: [5] },
    loss: (g, { w1, b1, w2, b2 }) => {
      const logits = g.gemm(g.relu(g.gemm(given(g, [30, 10], 101, 1), w1, b1, { transB: true })), w2, b2, { transB: true });
      const allowed = integers(150, 102, 2).map((flag, i) => flag === 1 || i % 5 === 0);
      const wish = numbers(150, 103);
      const labels = Array.from({ length: 30 }, (_, row) => {
        if (row % 3 === 1) return 255;
        const cells = [0, 1, 2, 3, 4].filter(k => allowed[row * 5 + k]);
        return cells.reduce((best, k) => (wish[row * 5 + k] > wish[row * 5 + best] ? k : best));
      });
      const restriction = flags(g, [30, 5], allowed.map(yes => (yes ? 0 : OUTSIDE)));
      return labelCrossEntropy(g, logits, labelMap(g, [30], labels), { restriction, classWeights: [0.5, 1, 1.5, 1, 2] });
    },
  },
  cnn: {
    shapes: {
      stem: [6, 3, 3, 3], stemScale: [6], stemShift: [6], grouped: [6, 3, 3, 3], batchScale: [6], batchShift: [6],
      out: [4, 6, 1, 1], outBias: [4], groupScale: [4], groupShift: [4],
    },
    loss: (g, p) => {
      let x = g.conv(given(g, [2, 3, 16, 16], 101, 1), p['stem'], undefined, { strides: [2, 2], pads: [1, 1, 1, 1] });
      x = g.relu(g.op('BatchNormalization', [x, p['stemScale'], p['stemShift'], given(g, [6], 102), given(g, [6], 103, 0.5, 1)]));
      x = g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      x = g.conv(x, p['grouped'], undefined, { pads: [2, 2, 2, 2], dilations: [2, 2], group: 2 });
      const running = { mean: given(g, [6], 1), variance: given(g, [6], 1) };
      x = g.relu(batchNorm(g, x, p['batchScale'], p['batchShift'], running).y);
      x = g.op('AveragePool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] });
      x = groupNorm(g, g.conv(x, p['out'], p['outBias']), 2, p['groupScale'], p['groupShift']);
      return labelCrossEntropy(g, g.resize(x, 16, 16), labelMap(g, [2, 16, 16], integers(512, 104, 5).map(label => (label === 4 ? 255 : label))));
    },
  },
  puzzle: {
    shapes: { w1: [4, 3, 3, 3], b1: [4], w2: [3, 4, 1, 1] },
    loss: (g, { w1, b1, w2 }) => {
      const images = given(g, [2, 3, 8, 8], 101, 1);
      const cam = (x: Value): Value => g.conv(g.relu(g.conv(x, w1, b1, { pads: [1, 1, 1, 1] })), w2);
      return puzzleLosses(g, cam(images), merge(g, cam(tile(g, images, 2)), 2), flags(g, [2, 3], [1, 0, 1, 0, 1, 0]), g.scalar(2)).total;
    },
  },
  attention: {
    shapes: {
      s1: [8], t1: [8], qkv: [8, 24], proj: [8, 8], s2: [8], t2: [8], up: [8, 12], upBias: [12], down: [12, 8], head: [8, 3],
    },
    loss: (g, p) => {
      const norm = (x: Value, scale: Value, shift: Value): Value => g.op('LayerNormalization', [x, scale, shift]);
      let x = given(g, [2, 5, 8], 101, 1);
      const mixed = g.matmul(norm(x, p['s1'], p['t1']), p['qkv']);
      const parts = g.transpose(g.reshape(mixed, [2, 5, 3, 2, 4]), [2, 0, 3, 1, 4]);
      const [q, k, v] = g.ops('Split', [parts, g.integers([1, 1, 1])], { axis: 0 }, 3).map(part => g.reshape(part, [2, 2, 5, 4]));
      const seen = g.matmul(g.softmax(g.mul(g.matmul(q, g.transpose(k, [0, 1, 3, 2])), 0.5)), v);
      x = g.add(x, g.matmul(g.reshape(g.transpose(seen, [0, 2, 1, 3]), [2, 5, 8]), p['proj']));
      x = g.add(x, g.matmul(g.op('Gelu', [g.add(g.matmul(norm(x, p['s2'], p['t2']), p['up']), p['upBias'])]), p['down']));
      return softMargin(g, g.matmul(g.mean(x, [1], false), p['head']), flags(g, [2, 3], [1, 0, 0, 0, 1, 1]));
    },
  },
};

const OPTIMISERS: readonly { options: OptimiserOptions; rate: number }[] = [
  { options: { kind: 'sgd', momentum: 0.9, weightDecay: 1e-2 }, rate: 0.1 },
  { options: { kind: 'adamw', weightDecay: 5e-2 }, rate: 0.02 },
];

for (const [name, { shapes, loss, options }] of Object.entries(CASES)) {
  const fixture = JSON.parse(readFileSync(join(import.meta.dirname, `../../fixtures/training/${name}.json`), 'utf8')) as Record<OptimiserOptions['kind'], Steps>;
  const start = Object.fromEntries(Object.entries(shapes).map(([key, shape], i) => [key, numbers(product(shape), 1 + i)]));
  for (const optimiser of OPTIMISERS) {
    const expected = fixture[optimiser.options.kind];
    test(`${name}: ${expected.losses.length} steps of ${optimiser.options.kind} are PyTorch's`, async () => {
      const g = new GraphBuilder(name);
      const parameters = Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, g.input(key, shape)]));
      const graph = trainingGraph(g, loss(g, parameters), Object.values(parameters), { ...optimiser.options, ...options });
      const trainer = await Trainer.open(cpuHost(), graph, start);
      for (const [step, theirs] of expected.losses.entries()) {
        const ours = await trainer.step({}, polyRate(optimiser.rate, step, 10));
        assert.ok(Math.abs(ours - theirs) <= MOST.loss * theirs, `step ${step}: loss ${ours}, PyTorch's ${theirs}`);
      }
      for (const [key, theirs] of Object.entries(expected.parameters)) {
        const ours = trainer.parameter(key);
        const from = start[key.replace(/\.ema$/, '')];
        assert.equal(ours.length, theirs.length);
        const way = Math.max(...theirs.map((x, i) => Math.abs(x - from[i])));
        const off = Math.max(...theirs.map((x, i) => Math.abs(x - ours[i])));
        assert.ok(off <= MOST.parameter * way, `${key}: ${off} off PyTorch's, which went ${way}`);
      }
      await trainer.release();
    });
  }
}
