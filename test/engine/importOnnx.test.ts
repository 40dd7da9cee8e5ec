/** Graphs read from ONNX files: they compute what the file computes, and can be differentiated. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import { importOnnx } from '../../models/graph/import';
import { serialise, type GraphDescription } from '../../models/graph/serialise';
import { fixedShapes } from '../../src/engine/fixedShapes';
import { floats } from '../../src/shared/graph';
import { cpuHost } from '../cpuHost';
import { tinyVitBytes } from '../tinyModels';

const wave = (size: number, phase = 0): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(1 + phase + i * 0.7));

/** What `bytes` gives for `feeds`, by the runtime itself. */
async function original(bytes: Uint8Array, name: string, feeds: Record<string, { dims: number[]; data: Float32Array }>): Promise<Float32Array> {
  const runner = await cpuHost().open(bytes);
  const { data } = floats(await runner.run(feeds), name);
  await runner.release();
  return data;
}

test('an imported graph computes what its file computes, with free dimensions fixed', async () => {
  const image = { dims: [1, 3, 8, 12], data: wave(3 * 8 * 12) };
  const fixed = await fixedShapes(tinyVitBytes, { height: 8, width: 12 });
  const g = new GraphBuilder();
  const { outputs, parameters } = importOnnx(g, fixed, { inputs: { pixel_values: g.input('image', image.dims) }, trains: name => name === 'patch', prefix: 'vit.' });
  assert.deepEqual(parameters.map(({ value, data }) => [value.name, [...value.shape], data.length]), [['vit.patch', [8, 3, 4, 4], 8 * 48]]);
  const tokens = outputs.get('last_hidden_state');
  assert.ok(tokens);
  g.output('y', tokens);
  const runner = await cpuHost().open(g.toOnnx());
  const { data } = floats(await runner.run({ image, 'vit.patch': { dims: [8, 3, 4, 4], data: parameters[0].data } }), 'y');
  const expected = await original(tinyVitBytes, 'last_hidden_state', { pixel_values: image });
  data.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5, `${value} ${expected[i]}`));
  await runner.release();
});

test('older forms of operators are read, and gradients flow through what was imported', async () => {
  const old: GraphDescription = {
    name: 'old',
    inputs: [{ name: 'x', dtype: 'float32', dims: [2, 3, 4, 4] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: [2, 2] }],
    initializers: [
      { name: 'w', dtype: 'float32', dims: [4, 3, 3, 3], data: wave(108, 2) },
      { name: 'scale', dtype: 'float32', dims: [4], data: wave(4, 3) },
      { name: 'shift', dtype: 'float32', dims: [4], data: wave(4, 4) },
      { name: 'mean', dtype: 'float32', dims: [4], data: wave(4, 5) },
      { name: 'variance', dtype: 'float32', dims: [4], data: Float32Array.of(1, 2, 0.5, 1) },
      { name: 'axes', dtype: 'int64', dims: [2], data: BigInt64Array.of(2n, 3n) },
    ],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'], outputs: ['a'], attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
      { op: 'BatchNormalization', inputs: ['a', 'scale', 'shift', 'mean', 'variance'], outputs: ['b'], attributes: { momentum: { float: 0.9 } } },
      { op: 'Dropout', inputs: ['b'], outputs: ['c'], attributes: {} },
      { op: 'Split', inputs: ['c'], outputs: ['d', 'e'], attributes: { axis: 1, num_outputs: 2 } },
      { op: 'Mul', inputs: ['d', 'e'], outputs: ['f'], attributes: {} },
      { op: 'ReduceMean', inputs: ['f', 'axes'], outputs: ['y'], attributes: { keepdims: 0 } },
    ],
  };
  const bytes = serialise(old);
  const g = new GraphBuilder();
  const x = { dims: [2, 3, 4, 4], data: wave(96) };
  const { outputs, parameters } = importOnnx(g, bytes, { inputs: { x: g.input('x', x.dims) }, trains: name => ['w', 'scale', 'shift'].includes(name) });
  const y = outputs.get('y');
  assert.ok(y);
  const loss = g.sum(y, [0, 1], false);
  g.output('y', y);
  g.output('loss', loss);
  gradients(g, loss, parameters.map(({ value }) => value)).forEach((gradient, i) => g.output(`d.${parameters[i].value.name}`, gradient));
  const runner = await cpuHost().open(g.toOnnx());
  const feeds = { x, ...Object.fromEntries(parameters.map(({ value, data }) => [value.name, { dims: value.shape, data }])) };
  const out = await runner.run(feeds);
  const expected = await original(bytes, 'y', { x });
  floats(out, 'y').data.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-5));
  for (const { value, data } of parameters) {
    const direction = wave(data.length, 9);
    const at = async (sign: number): Promise<number> => floats(await runner.run({ ...feeds, [value.name]: { dims: value.shape, data: data.map((d, i) => d + sign * 1e-2 * direction[i]) } }), 'loss').data[0];
    const numeric = ((await at(1)) - (await at(-1))) / 2e-2;
    const exact = floats(out, `d.${value.name}`).data.reduce((sum, d, i) => sum + d * direction[i], 0);
    assert.ok(Math.abs(numeric - exact) < 2e-2 * Math.abs(exact) + 1e-2, `${value.name}: ${numeric} ${exact}`);
  }
  await runner.release();
});

test('what cannot be read is refused by name', () => {
  const g = new GraphBuilder();
  assert.throws(() => importOnnx(g, new TextEncoder().encode('no model'), { inputs: {} }), /not an ONNX model/);
  const odd = serialise({ name: 'odd', inputs: [{ name: 'x', dtype: 'float32', dims: [2] }], outputs: [{ name: 'y', dtype: 'float32', dims: [2] }], initializers: [], nodes: [{ op: 'Cosh', inputs: ['x'], outputs: ['y'], attributes: {} }] });
  assert.throws(() => importOnnx(g, odd, { inputs: { x: g.input('x', [2]) } }), /Cosh .* cannot be differentiated here: no shape rule/);
});

const inception = join(import.meta.dirname, '../../models/weights/inception-v3.onnx');

test('Inception V3: imported whole, the same features, and every weight has a gradient', { skip: existsSync(inception) ? false : 'npm run models makes it' }, async () => {
  const size = 16 * 4 + 27;
  const image = { dims: [1, 3, size, size], data: wave(3 * size * size) };
  const bytes = readFileSync(inception);
  const fixed = await fixedShapes(bytes, { N: 1, H: size, W: size });
  const g = new GraphBuilder();
  const { outputs, parameters } = importOnnx(g, fixed, { inputs: { image: g.input('image', image.dims) }, trains: (_, shape) => shape.length === 4 || shape.length === 1 });
  const feat = outputs.get('feat');
  assert.ok(feat && parameters.length > 150, `${parameters.length} weights`);
  const loss = g.mean(g.mul(feat, feat), [0, 1, 2, 3], false);
  g.output('y', feat);
  g.output('loss', loss);
  gradients(g, loss, parameters.map(({ value }) => value)).forEach((gradient, i) => g.output(`d${i}`, gradient));
  const runner = await cpuHost().open(g.toOnnx());
  const out = await runner.run({ image, ...Object.fromEntries(parameters.map(({ value, data }) => [value.name, { dims: value.shape, data }])) });
  const expected = await original(bytes, 'feat', { image });
  const { data } = floats(out, 'y');
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  data.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-4 * largest));
  const moving = parameters.filter((_, i) => floats(out, `d${i}`).data.some(d => d !== 0));
  assert.ok(moving.length > 0.9 * parameters.length, `${moving.length} of ${parameters.length} weights have a gradient`);
  await runner.release();
});
