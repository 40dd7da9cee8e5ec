/** The light decoder's graphs: slopes against differences, what it says against plain loops, and members that do not know of each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTSIDE } from '../../../models/losses';
import { decoderGraph, decoderParameters, decoderStart, decoderTrainingGraph, type StepShape } from '../../../models/networks/lightDecoder';
import { uniform } from '../../../models/random';
import { startState } from '../../../models/trainer';
import { floats, type Tensor } from '../../../src/shared/graph';
import { cpuHost, runOnce } from '../../cpuHost';

const SHAPE: StepShape = {
  members: 2, inputs: 5, hidden: [6, 4], classes: 4, activation: true, cells: 7, dropout: true, restricted: true, weights: { segmentation: 1.5 },
  whole: { photos: 2, places: 6, weights: { classification: 0.7, recursion: 2 }, recursion: 'l1' },
};
const random = uniform(11);
const numbers = (size: number, from = -1, to = 1): Float32Array => Float32Array.from({ length: size }, () => from + (to - from) * random());
const start = Object.fromEntries(Object.entries(decoderStart(SHAPE, random)).map(([name, values]) => [name, name.endsWith('.bias') ? numbers(values.length, -0.2, 0.2) : values]));
const { members, cells, inputs, classes } = SHAPE;
const x = numbers(members * cells * inputs);
const kept = { 'kept.0': bytes(members * cells * 6), 'kept.1': bytes(members * cells * 4) };

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => Number(random() < 0.8));
}

function feeds(): Record<string, Tensor> {
  return {
    cells: { dims: [members, cells, inputs], data: x },
    shares: { dims: [members, cells, classes], data: Float32Array.from({ length: members * cells * classes }, (_, i) => (i % classes === 3 ? 0 : ((i * 7) % 5) / 5)) },
    restriction: { dims: [members, cells, classes], data: Float32Array.from({ length: members * cells * classes }, (_, i) => (i % classes === 3 ? OUTSIDE : 0)) },
    'kept.0': { dims: [members, cells, 6], data: kept['kept.0'] }, 'kept.1': { dims: [members, cells, 4], data: kept['kept.1'] },
    keptScale: { dims: [], data: Float32Array.of(1.25) },
    photos: { dims: [members, 12, inputs], data: wave(members * 12 * inputs) },
    inside: { dims: [4, 1, 6], data: Float32Array.from({ length: 24 }, (_, i) => Number(i % 6 < 5 || i < 12)) },
    tags: { dims: [4, 3], data: Float32Array.of(1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0) },
    targets: { dims: [4, 3, 6], data: wave(72).map(Math.abs) },
    recursionWeight: { dims: [], data: Float32Array.of(0.5) },
  };
}

function wave(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(1 + 2.3 * i));
}

test('losses add up, and a step goes against the slope of each parameter', async () => {
  const graph = decoderTrainingGraph(SHAPE, { kind: 'sgd', momentum: 0 });
  const runner = await cpuHost().open(graph.model);
  const run = (parameters: Record<string, Float32Array>): Promise<Record<string, Tensor>> => runner.run({ ...feeds(), ...startState(graph.state, parameters).tensors, rate: { dims: [], data: Float32Array.of(1) } });
  const out = await run(start);
  const loss = (results: Record<string, Tensor>, name = 'loss'): number => floats(results, name).data[0];
  const parts = 1.5 * loss(out, 'loss.segmentation') + 0.7 * loss(out, 'loss.classification') + 0.5 * 2 * loss(out, 'loss.recursion');
  assert.ok(Math.abs(loss(out) - parts) < 1e-5);
  for (const [name] of decoderParameters(SHAPE)) {
    // A plain step at rate 1 without momentum takes the gradient away.
    const gradient = floats(out, `${name}.next`).data.map((value, i) => start[name][i] - value);
    const length = Math.hypot(...gradient);
    assert.ok(length > 1e-4, `${name} has a slope`);
    const step = 2e-3;
    const along = async (sign: number): Promise<number> => loss(await run({ ...start, [name]: start[name].map((value, i) => value + (sign * step * gradient[i]) / length) }));
    const slope = ((await along(1)) - (await along(-1))) / (2 * step);
    assert.ok(Math.abs(slope - length) < 0.06 * length + 1e-3, `${name}: ${slope} instead of ${length}`);
  }
  await runner.release();
});

/** softmax over the classes that count of one member's logits, and its maps, by the definition. */
function plain(member: number, cell: Float32Array): { probabilities: number[]; maps: number[] } {
  const layer = (h: readonly number[], name: string, width: number, bias?: Float32Array): number[] =>
    Array.from({ length: width }, (_, j) => h.reduce((sum, value, i) => sum + value * start[name][(member * h.length + i) * width + j], bias ? bias[member * width + j] : 0));
  const relu = (values: readonly number[]): number[] => values.map(value => Math.max(0, value));
  const h = relu(layer(relu(layer([...cell], 'hidden.0', 6, start['hidden.0.bias'])), 'hidden.1', 4, start['hidden.1.bias']));
  const powers = layer(h, 'decoder', classes, start['decoder.bias']).map((z, c) => (c === 3 ? 0 : Math.exp(z)));
  const sum = powers.reduce((a, b) => a + b);
  return { probabilities: powers.map(power => power / sum), maps: layer(h, 'activation', classes - 1) };
}

test('what a decoder says of cells is the members\' mean, by their voices, and what it was trained by', async () => {
  const voices = [0.75, 0.25];
  const own = x.subarray(0, cells * inputs);
  const out = await runOnce(decoderGraph(SHAPE, cells), {
    cells: { dims: [cells, inputs], data: own },
    voices: { dims: [members, 1, 1], data: Float32Array.from(voices) },
    restriction: { dims: [1, 1, classes], data: Float32Array.of(0, 0, 0, OUTSIDE) },
    ...Object.fromEntries(decoderParameters(SHAPE).map(([name, dims]) => [name, { dims, data: start[name] }])),
  });
  const expected = Array.from({ length: cells }, (_, i) => [0, 1].map(member => plain(member, own.subarray(i * inputs, (i + 1) * inputs))));
  const near = (name: 'probabilities' | 'maps', width: number): void =>
    floats(out, name).data.forEach((value, i) => {
      const wanted = [0, 1].reduce((sum, member) => sum + voices[member] * expected[Math.floor(i / width)][member][name][i % width], 0);
      assert.ok(Math.abs(value - wanted) < 1e-5, `${name} ${i}: ${value} instead of ${wanted}`);
    });
  near('probabilities', classes);
  near('maps', classes - 1);

  // The same cells in training without dropout: the loss is the cross entropy of these very probabilities.
  const { whole: _, ...shape } = { ...SHAPE, activation: false, dropout: false };
  const graph = decoderTrainingGraph(shape, { kind: 'sgd', momentum: 0 });
  const { shares, restriction } = feeds();
  const trained = await runOnce(graph.model, { cells: { dims: [members, cells, inputs], data: x }, shares, restriction, ...startState(graph.state, start).tensors, rate: { dims: [], data: Float32Array.of(1) } });
  let loss = 0;
  for (let row = 0; row < members * cells; row++) {
    const { probabilities } = plain(Math.floor(row / cells), x.subarray(row * inputs, (row + 1) * inputs));
    for (let c = 0; c < 3; c++) loss -= (Number(shares.data[row * classes + c]) * Math.log(probabilities[c])) / (members * cells);
  }
  assert.ok(Math.abs(floats(trained, 'loss.segmentation').data[0] - loss) < 1e-5);
});

test('members learn by themselves: another one\'s cells change nothing', async () => {
  const { whole: _, ...shape } = { ...SHAPE, activation: false, dropout: false };
  const graph = decoderTrainingGraph(shape, { kind: 'adamw', weightDecay: 0.1 });
  const run = (data: Float32Array): Promise<Record<string, Tensor>> => runOnce(graph.model, {
    cells: { dims: [members, cells, inputs], data }, shares: feeds().shares, restriction: feeds().restriction,
    ...startState(graph.state, start).tensors, rate: { dims: [], data: Float32Array.of(0.1) }, correction: { dims: [2], data: Float32Array.of(10, 1000) },
  });
  const other = x.map((value, i) => (i < cells * inputs ? value : -value));
  const [first, second] = [await run(x), await run(other)];
  for (const [name, dims] of decoderParameters(shape)) {
    const half = dims.reduce((a, b) => a * b) / members;
    const [a, b] = [floats(first, `${name}.next`).data, floats(second, `${name}.next`).data];
    assert.deepEqual(a.subarray(0, half), b.subarray(0, half));
    assert.notDeepEqual(a.subarray(half), b.subarray(half));
  }
});
