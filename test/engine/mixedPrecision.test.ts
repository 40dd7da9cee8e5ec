/** Mixed precision on the real runtime (whose CPU provider converts where it has no kernel for halves): the same losses but for rounding, and overflow that leaves a step out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchTrainer } from '../../models/batchTrainer';
import { GraphBuilder } from '../../models/graph/builder';
import { groupNorm } from '../../models/graph/normalise';
import { range, type Value } from '../../models/graph/value';
import { labelCrossEntropy } from '../../models/losses';
import { halvesAreSound, inMixedPrecision, precisionOn, type LossParts } from '../../models/mixedPrecision';
import { trainingGraph, type OptimiserOptions } from '../../models/optimisers';
import { Trainer } from '../../models/trainer';
import { SeedMaskError } from '../../src/shared/errors';
import type { GraphHost, Tensor } from '../../src/shared/graph';
import { cpuHost } from '../cpuHost';
import { numbers } from '../gradientCases';

const SHAPES: Record<string, number[]> = { stem: [8, 3, 3, 3], stemBias: [8], scale: [8], shift: [8], deep: [8, 8, 3, 3], grouped: [8, 4, 1, 1], out: [8, 4], outBias: [4] };
const START = Object.fromEntries(Object.entries(SHAPES).map(([name, shape], i) => [name, numbers(shape.reduce((a, b) => a * b), i + 1).map(x => x * (name === 'scale' ? 1 : 0.3))]));
const LABELS = Int32Array.from({ length: 4 * 144 }, (_, i) => (i % 7 === 0 ? 255 : (i * 5) % 4));
const feed = (from: number, to: number): Record<string, Tensor> => ({
  image: { dims: [to - from, 3, 12, 12], data: numbers(4 * 432, 50).slice(from * 432, to * 432) },
  labels: { dims: [to - from, 12, 12], data: LABELS.slice(from * 144, to * 144) },
});

/** Convolutions of all kinds, pools, a norm, a residual, a product, a resize, and pixel cross entropy. */
function network(items: number): LossParts {
  const g = new GraphBuilder('small');
  const p = Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, g.input(name, shape)]));
  const pads = [1, 1, 1, 1];
  let x = g.op('Clip', [g.conv(g.input('image', [items, 3, 12, 12]), p['stem'], p['stemBias'], { pads }), g.scalar(0), g.scalar(6)]);
  x = g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads });
  x = g.add(x, g.relu(groupNorm(g, g.conv(x, p['deep'], undefined, { pads }), 2, p['scale'], p['shift'])));
  x = g.op('AveragePool', [g.conv(x, p['grouped'], undefined, { group: 2 })], { kernel_shape: [3, 3], strides: [1, 1], pads });
  const rows = g.reshape(g.transpose(g.resize(x, 12, 12), [0, 2, 3, 1]), [items * 144, 8]);
  const logits = g.add(g.matmul(rows, p['out']), p['outBias']);
  const loss = labelCrossEntropy(g, logits, g.reshape(g.input('labels', [items, 12, 12], 'int32'), [items * 144]), { over: 'pixels' });
  g.output('loss.pixels', loss);
  return { g, loss, parameters: Object.values(p) };
}

const SGD: OptimiserOptions = { kind: 'sgd', momentum: 0.9, weightDecay: 1e-3, clipNorm: 5 };
const scaled = (start: number, growEvery: number, options: OptimiserOptions = SGD): OptimiserOptions => ({ ...options, lossScale: { start, growEvery } });

function mixed(options: OptimiserOptions, start = START): Promise<Trainer> {
  const { g, loss, parameters } = inMixedPrecision(network(4));
  return Trainer.open(cpuHost(), trainingGraph(g, loss, parameters, options), start);
}

const scaleOf = (trainer: { state: Trainer['state'] }): number[] => [...trainer.state.tensors['scaling'].data];

for (const optimiser of [SGD, { kind: 'adamw', weightDecay: 0.01, ema: 0.9 } satisfies OptimiserOptions]) {
  test(`mixed precision learns what single precision learns (${optimiser.kind})`, async () => {
    const { g, loss, parameters } = network(4);
    const single = await Trainer.open(cpuHost(), trainingGraph(g, loss, parameters, optimiser), START);
    const half = await mixed(scaled(2 ** 12, 1000, optimiser));
    const losses: number[] = [];
    for (const step of range(25)) {
      const rate = optimiser.kind === 'sgd' ? 0.3 : 0.02;
      const [exact, rounded] = [await single.step(feed(0, 4), rate), await half.step(feed(0, 4), rate)];
      assert.ok(Math.abs(rounded - exact) < 4e-3 * exact, `step ${step}: ${rounded}, in single precision ${exact}`);
      assert.equal(half.losses['pixels'], rounded);
      losses.push(exact);
    }
    assert.ok(losses[24] < losses[0] - 0.02, `it learns: ${losses[0]} to ${losses[24]}`);
    assert.notDeepEqual(half.parameter('deep'), single.parameter('deep'));
    assert.deepEqual(scaleOf(half), [2 ** 12, 25, 0]);
    assert.deepEqual(Object.keys(half.state.tensors).filter(name => name !== 'scaling').sort(), Object.keys(single.state.tensors).sort());
    await single.release();
    await half.release();
  });
}

test('convolutions and products, and what lies between them, take halves; norms, losses and the state do not', () => {
  const { g, loss, parameters } = inMixedPrecision(network(2));
  const types = (op: string): Set<string> => new Set(g.nodes.filter(node => node.op === op).map(({ outputs: [{ dtype }] }) => dtype));
  for (const op of ['Conv', 'MatMul', 'MaxPool', 'AveragePool', 'Clip', 'Resize', 'Transpose']) assert.deepEqual([op, [...types(op)]], [op, ['float16']]);
  for (const op of ['InstanceNormalization', 'LogSoftmax', 'ReduceSum', 'Mul']) assert.deepEqual([op, [...types(op)]], [op, ['float32']]);
  assert.deepEqual([loss, ...parameters].map((value: Value) => value.dtype), new Array(1 + parameters.length).fill('float32'));
});

test('a step whose gradients run over leaves all as it was and halves the scale, until they fit; good steps double it', async () => {
  const trainer = await mixed(scaled(2 ** 23, 2));
  let before = trainer.state;
  let left = 0;
  while (left === 0 || scaleOf(trainer)[1] === 0) {
    await trainer.step(feed(0, 4), 0.1);
    if (scaleOf(trainer)[2] === left) break;
    left++;
    assert.deepEqual(scaleOf(trainer), [2 ** (23 - left), 0, left]);
    for (const name of Object.keys(before.tensors).filter(key => key !== 'scaling')) assert.deepEqual(trainer.state.tensors[name].data, before.tensors[name].data);
    before = trainer.state;
  }
  assert.ok(left > 2 && left < 20, `${left} steps were left out`);
  assert.notDeepEqual(trainer.parameter('out'), before.tensors['out'].data);
  const fits = 2 ** (23 - left);
  await trainer.step(feed(0, 4), 0.1);
  assert.deepEqual(scaleOf(trainer), [2 * fits, 0, left], 'two good ones doubled it');
  await trainer.release();
});

test('steps that were left out are no steps of AdamW', async () => {
  const late = await mixed(scaled(2 ** 23, 1000, { kind: 'adamw' }));
  while (scaleOf(late)[1] === 0) await late.step(feed(0, 4), 0.01);
  const [scale, , left] = scaleOf(late);
  assert.ok(left > 0);
  const early = await mixed(scaled(scale, 1000, { kind: 'adamw' }));
  await early.step(feed(0, 4), 0.01);
  assert.deepEqual(late.parameter('deep'), early.parameter('deep'));
  await late.release();
  await early.release();
});

test('numbers too large for halves are said to be that', async () => {
  const trainer = await mixed(scaled(8, 1000), { ...START, out: START['out'].map(x => x * 1e6) });
  for (let step = 0; step < 4; step++) await trainer.step(feed(0, 4), 0.1);
  assert.deepEqual([...trainer.parameter('stem')], [...START['stem']]);
  await assert.rejects(trainer.step(feed(0, 4), 0.1), (error: unknown) => error instanceof SeedMaskError && error.reason === 'numeric' && /precision "float32"/.test(error.message));
  await trainer.release();
});

test('in parts as whole, overflow included', async () => {
  const small: GraphHost = {
    open: async model => {
      const runner = await cpuHost().open(model);
      return { ...runner, run: async feeds => {
        if ((feeds['image']?.dims[0] ?? 0) > 2) throw new SeedMaskError('out-of-memory', 'too many');
        return runner.run(feeds);
      } };
    },
  };
  const options = { batch: 4, optimiser: scaled(2 ** 20, 1000) };
  const open = (host: GraphHost): Promise<BatchTrainer> => BatchTrainer.open(host, items => inMixedPrecision(network(items)), START, options);
  const [whole, parts] = [await open(cpuHost()), await open(small)];
  for (const step of range(12)) {
    const [a, b] = [await whole.step(feed, 0.05), await parts.step(feed, 0.05)];
    assert.ok(Math.abs(a - b) < 4e-3 * a, `step ${step}: ${a}, in parts ${b}`);
  }
  assert.equal(parts.items, 2);
  assert.ok(scaleOf(parts)[1] > 0 && scaleOf(parts)[2] > 0, 'some were left out, some not');
  await whole.release();
  await parts.release();
});

test('which precision a device gets', async () => {
  assert.equal(await halvesAreSound(cpuHost()), true);
  assert.equal(await precisionOn(cpuHost(), 'auto'), 'float32');
  assert.equal(await precisionOn(cpuHost(), 'mixed'), 'mixed');
  const on = (device: string, value: number): GraphHost => ({
    device,
    open: async () => ({ run: async () => ({ product: { dims: [1, 1], data: Float32Array.of(value) }, image: { dims: [1, 1, 1, 2], data: Float32Array.of(value, value) } }), release: async () => undefined }),
  });
  assert.equal(await precisionOn(on('webgpu', 8192), 'auto'), 'mixed');
  assert.equal(await precisionOn(on('webgpu', 8192), 'float32'), 'float32');
  // Added up in halves.
  assert.equal(await precisionOn(on('webgpu', 2048), 'auto'), 'float32');
  await assert.rejects(precisionOn(on('webgpu', 2048), 'mixed'), /precision "float32"/);
  const without: GraphHost = { device: 'directml', open: async () => { throw new Error('shader-f16 is not there'); } };
  assert.equal(await precisionOn(without, 'auto'), 'float32');
});
