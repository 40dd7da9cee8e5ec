/** The optimiser steps against the same steps written out in TypeScript, and a small network that learns. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { GraphBuilder } from '../../models/graph/builder';
import { trainingGraph, type OptimiserOptions } from '../../models/optimisers';
import { BatchTrainer } from '../../models/batchTrainer';
import { Trainer } from '../../models/trainer';
import { SeedMaskError } from '../../src/shared/errors';
import type { GraphHost } from '../../src/shared/graph';
import { cpuHost } from '../cpuHost';

/** loss = sum((w - target)^2) over a 2 x 2 matrix. */
async function quadratic(optimiser: OptimiserOptions): Promise<Trainer> {
  const g = new GraphBuilder();
  const w = g.input('w', [2, 2]);
  const away = g.sub(w, g.input('target', [2, 2]));
  const graph = trainingGraph(g, g.sum(g.mul(away, away), [0, 1], false), [w], optimiser);
  return Trainer.open(cpuHost(), graph, { w: Float32Array.of(1, -2, 3, 0.5) });
}

const target = [0, 1, -1, 0.5];
const batch = { target: { dims: [2, 2], data: Float32Array.from(target) } };

test('AdamW does what its formula says', async () => {
  const trainer = await quadratic({ kind: 'adamw', weightDecay: 0.1 });
  const w = [1, -2, 3, 0.5];
  const m = [0, 0, 0, 0];
  const v = [0, 0, 0, 0];
  for (let t = 1; t <= 20; t++) {
    const rate = 0.1 / t;
    const loss = await trainer.step(batch, rate);
    assert.ok(Math.abs(loss - w.reduce((sum, x, i) => sum + (x - target[i]) ** 2, 0)) < 1e-4);
    w.forEach((x, i) => {
      const d = 2 * (x - target[i]);
      m[i] = 0.9 * m[i] + 0.1 * d;
      v[i] = 0.999 * v[i] + 0.001 * d * d;
      w[i] = x - rate * 0.1 * x - (rate * (m[i] / (1 - 0.9 ** t))) / (Math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-8);
    });
  }
  trainer.parameter('w').forEach((x, i) => assert.ok(Math.abs(x - w[i]) < 1e-4, `${x} ${w[i]}`));
  await trainer.release();
});

test('SGD with momentum does what its formula says', async () => {
  const trainer = await quadratic({ kind: 'sgd', momentum: 0.8, weightDecay: 0.05 });
  const w = [1, -2, 3, 0.5];
  const m = [0, 0, 0, 0];
  for (let t = 0; t < 20; t++) {
    await trainer.step(batch, 0.05);
    w.forEach((x, i) => {
      m[i] = 0.8 * m[i] + 2 * (x - target[i]) + 0.05 * x;
      w[i] = x - 0.05 * m[i];
    });
  }
  trainer.parameter('w').forEach((x, i) => assert.ok(Math.abs(x - w[i]) < 1e-4));
  await trainer.release();
});

test('a network with one hidden layer learns exclusive or', async () => {
  const g = new GraphBuilder();
  const x = g.input('x', [4, 2]);
  const y = g.input('y', [4, 1]);
  const parameters = [g.input('w1', [2, 16]), g.input('b1', [16]), g.input('w2', [16, 1]), g.input('b2', [1])];
  const [w1, b1, w2, b2] = parameters;
  const logits = g.gemm(g.relu(g.gemm(x, w1, b1)), w2, b2);
  const loss = g.mean(g.sub(g.softplus(logits), g.mul(y, logits)), [0, 1], false);
  const start = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(7.3 * i * i + size));
  const trainer = await Trainer.open(cpuHost(), trainingGraph(g, loss, parameters, { kind: 'adamw', weightDecay: 1e-3 }), { w1: start(32), b1: start(16), w2: start(16), b2: start(1) });
  const data = { x: { dims: [4, 2], data: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) }, y: { dims: [4, 1], data: Float32Array.of(0, 1, 1, 0) } };
  let last = Infinity;
  for (let i = 0; i < 300; i++) last = await trainer.step(data, 0.03);
  assert.ok(last < 0.05, `loss ${last}`);
  await trainer.release();
});

test('weight decay shrinks matrices and leaves biases alone', async () => {
  const g = new GraphBuilder();
  const w = g.input('w', [1, 2]);
  const b = g.input('b', [2]);
  const loss = g.mul(g.sum(g.add(w, b), [0, 1], false), g.input('nothing', []));
  const trainer = await Trainer.open(cpuHost(), trainingGraph(g, loss, [w, b], { kind: 'adamw', weightDecay: 0.5 }), { w: Float32Array.of(2, 4), b: Float32Array.of(2, 4) });
  await trainer.step({ nothing: { dims: [], data: Float32Array.of(0) } }, 0.5);
  assert.deepEqual([...trainer.parameter('w'), ...trainer.parameter('b')], [1.5, 3, 2, 4]);
  await trainer.release();
});

test('a loss that is not a number stops the training and keeps the parameters', async () => {
  const trainer = await quadratic({ kind: 'sgd' });
  const nan = { target: { dims: [2, 2], data: Float32Array.of(NaN, 0, 0, 0) } };
  await assert.rejects(trainer.step(nan, 0.1), (error: unknown) => error instanceof SeedMaskError && error.reason === 'numeric');
  assert.deepEqual([...trainer.parameter('w')], [1, -2, 3, 0.5]);
  await trainer.release();
});

/** Least squares of two parameters over `items` rows. */
function regression(items: number) {
  const g = new GraphBuilder();
  const w = g.input('w', [3, 2]);
  const b = g.input('b', [2]);
  const away = g.sub(g.add(g.matmul(g.input('x', [items, 3]), w), b), g.input('y', [items, 2]));
  return { g, loss: g.mean(g.mul(away, away), [0, 1], false), parameters: [w, b] };
}

const rows = { x: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i * 1.3)), y: Float32Array.from({ length: 16 }, (_, i) => Math.cos(i)) };
const feed = (from: number, to: number) => ({ x: { dims: [to - from, 3], data: rows.x.slice(from * 3, to * 3) }, y: { dims: [to - from, 2], data: rows.y.slice(from * 2, to * 2) } });
const begin = { w: Float32Array.of(1, -1, 0.5, 2, 0, -0.3), b: Float32Array.of(0.1, -0.2) };
const close = (a: Float32Array, b: ArrayLike<number>, most = 1e-5): void => a.forEach((x, i) => assert.ok(Math.abs(x - b[i]) < most, `${x} ${b[i]}`));

test('gradients are clipped together, groups have rates of their own, and averages trail', async () => {
  const { g, loss, parameters } = regression(8);
  const trainer = await Trainer.open(cpuHost(), trainingGraph(g, loss, parameters, { kind: 'sgd', momentum: 0, clipNorm: 0.5, ema: 0.9, groups: name => (name === 'b' ? { rate: 10 } : {}) }), begin);
  const before = [...begin.w, ...begin.b];
  await trainer.step(feed(0, 8), 0.01);
  const moved = [...trainer.parameter('w'), ...trainer.parameter('b')].map((x, i) => (before[i] - x) / (i < 6 ? 0.01 : 0.1));
  assert.ok(Math.abs(Math.hypot(...moved) - 0.5) < 1e-3, `the common norm is ${Math.hypot(...moved)}`);
  close(trainer.parameter('w.ema'), begin.w.map((x, i) => 0.9 * x + 0.1 * trainer.parameter('w')[i]));
  await trainer.release();
});

test('a ramped average moves with its parameter at first and trails later', async () => {
  const { g, loss, parameters } = regression(8);
  const ema = { most: 0.99, over: 2 };
  const trainer = await Trainer.open(cpuHost(), trainingGraph(g, loss, parameters, { kind: 'sgd', ema }), begin);
  let average = Float64Array.from(begin.w);
  for (let step = 1; step <= 4; step++) {
    await trainer.step(feed(0, 8), 0.05);
    const decay = 0.99 * (1 - Math.exp(-step / 2));
    average = average.map((x, i) => decay * x + (1 - decay) * trainer.parameter('w')[i]);
    close(trainer.parameter('w.ema'), average);
  }
  await trainer.release();
});

test('a saved training goes on as if it had not stopped', async () => {
  const { g, loss, parameters } = regression(8);
  const graph = trainingGraph(g, loss, parameters, { kind: 'adamw', weightDecay: 0.1, ema: 0.5 });
  const through = await Trainer.open(cpuHost(), graph, begin);
  const losses: number[] = [];
  for (let i = 0; i < 6; i++) losses.push(await through.step(feed(0, 8), 0.05));
  const first = await Trainer.open(cpuHost(), graph, begin);
  for (let i = 0; i < 3; i++) await first.step(feed(0, 8), 0.05);
  const second = await Trainer.open(cpuHost(), graph, structuredClone(first.state));
  const rest: number[] = [];
  for (let i = 0; i < 3; i++) rest.push(await second.step(feed(0, 8), 0.05));
  assert.deepEqual(rest, losses.slice(3));
  assert.deepEqual(second.state, through.state);
  for (const trainer of [through, first, second]) await trainer.release();
});

test('a batch that does not fit is run in parts, and the step is the same', async () => {
  const host = cpuHost();
  // A device on which more than two items do not fit.
  const small: GraphHost = {
    open: async model => {
      const runner = await host.open(model);
      return { ...runner, run: async (feeds, outputs) => {
        if ((feeds['x']?.dims[0] ?? 0) > 2) throw new SeedMaskError('out-of-memory', 'too many');
        return runner.run(feeds, outputs);
      } };
    },
  };
  const optimiser: OptimiserOptions = { kind: 'adamw', weightDecay: 0.1, clipNorm: 1, ema: 0.9 };
  const whole = await BatchTrainer.open(host, regression, begin, { batch: 6, optimiser });
  const told: number[] = [];
  const parts = await BatchTrainer.open(small, regression, begin, { batch: 6, optimiser, onShrink: items => told.push(items) });
  for (let i = 0; i < 5; i++) {
    const loss = await whole.step(feed, 0.05);
    assert.ok(Math.abs(loss - (await parts.step(feed, 0.05))) < 1e-5);
  }
  assert.deepEqual([told, parts.items, whole.items], [[3, 2], 2, 6]);
  for (const name of ['w', 'b', 'w.ema', 'w.v']) close(parts.state.tensors[name].data, whole.state.tensors[name].data);
  await whole.release();
  await parts.release();
});

test('when not even one item fits, that is said', async () => {
  const host: GraphHost = { open: async () => ({ run: async () => { throw new SeedMaskError('out-of-memory', 'full'); }, release: async () => undefined }) };
  const trainer = await BatchTrainer.open(host, regression, begin, { batch: 4, optimiser: { kind: 'sgd' } });
  await assert.rejects(trainer.step(feed, 0.1), (error: unknown) => error instanceof SeedMaskError && error.reason === 'out-of-memory');
  assert.equal(trainer.state.steps, 0);
});
