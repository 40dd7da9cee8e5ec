/** Graphs read from ONNX files: they compute what the file computes, and can be differentiated. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import { importOnnx } from '../../models/graph/import';
import { serialise, type GraphDescription } from '../../models/graph/serialise';
import type { Value } from '../../models/graph/value';
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

/** A transformer's block on 2 x 6 tokens of 8 numbers, with two heads; norms and Gelu as operators, or as exporters of older opsets write them out. */
function block(g: GraphBuilder, writtenOut: boolean, weight: (name: string, shape: readonly number[]) => Value): Value {
  const norm = (x: Value, name: string): Value => {
    const [scale, shift] = [weight(`${name}.scale`, [8]), weight(`${name}.shift`, [8])];
    if (!writtenOut) return g.op('LayerNormalization', [x, scale, shift]);
    const centred = g.sub(x, g.mean(x, [-1]));
    return g.add(g.mul(g.div(centred, g.sqrt(g.add(g.mean(g.pow(centred, 2), [-1]), 1e-5))), scale), shift);
  };
  const gelu = (x: Value): Value => (writtenOut ? g.mul(g.mul(x, g.add(g.op('Erf', [g.div(x, Math.SQRT2)]), 1)), 0.5) : g.op('Gelu', [x]));
  const x = g.input('tokens', [2, 6, 8]);
  const heads = (name: string): Value => g.transpose(g.reshape(g.matmul(norm(x, 'before'), weight(name, [8, 8])), [2, 6, 2, 4]), [0, 2, 1, 3]);
  const [q, k, v] = ['q', 'k', 'v'].map(heads);
  const seen = g.matmul(g.softmax(g.mul(g.matmul(q, g.transpose(k, [0, 1, 3, 2])), 0.5)), v);
  const y = g.add(x, g.matmul(g.reshape(g.transpose(seen, [0, 2, 1, 3]), [2, 6, 8]), weight('out', [8, 8])));
  return g.add(y, g.matmul(gelu(g.add(g.matmul(norm(y, 'after'), weight('up', [8, 16])), weight('up.bias', [16]))), weight('down', [16, 8])));
}

test('a block of attention as exporters write it: imported, it has the gradients of the block of our own operators', async () => {
  const file = new GraphBuilder('exported');
  const stored = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  const written = block(file, true, (name, shape) => {
    const known = stored.get(name) ?? { shape, data: wave(shape.reduce((a, b) => a * b), stored.size).map(x => x * 0.6) };
    stored.set(name, known);
    return file.constant(known.data, shape);
  });
  file.output('y', written);
  // Weights of a file are found by their numbers: the builder names its constants itself.
  const nameOf = new Map(file.describe().initializers.map(({ name, data }) => [name, [...stored].find(([, { data: own }]) => own === data)?.[0]]));
  const tokens = { dims: [2, 6, 8], data: wave(96, 3) };
  const losses: Record<string, Float32Array>[] = [];
  for (const imported of [true, false]) {
    const g = new GraphBuilder();
    const parameters = new Map<string, Value[]>();
    let y: Value;
    if (imported) {
      const { outputs, parameters: found } = importOnnx(g, file.toOnnx(), { inputs: { tokens: g.input('tokens', tokens.dims) }, trains: name => nameOf.get(name) !== undefined, prefix: 'file.' });
      for (const { value } of found) {
        const name = nameOf.get(value.name.slice('file.'.length)) ?? assert.fail();
        parameters.set(name, [...(parameters.get(name) ?? []), value]);
      }
      y = outputs.get('y') ?? assert.fail();
    } else {
      y = block(g, false, (name, shape) => {
        const [known] = parameters.get(name) ?? [g.input(name, shape)];
        parameters.set(name, [known]);
        return known;
      });
    }
    const loss = g.mean(g.mul(y, g.constant(wave(y.size, 8), y.shape)), [0, 1, 2], false);
    g.output('loss', loss);
    // A weight that is used several times is several constants of the file.
    for (const [name, values] of parameters) g.output(`d.${name}`, gradients(g, loss, values).reduce((a, b) => g.add(a, b)));
    const runner = await cpuHost().open(g.toOnnx());
    const weights = [...parameters].flatMap(([name, values]) => values.map(value => [value.name, { dims: value.shape, data: stored.get(name)?.data ?? assert.fail() }] as const));
    const out = await runner.run({ tokens, ...Object.fromEntries(weights) });
    losses.push(Object.fromEntries(Object.keys(out).map(name => [name, floats(out, name).data])));
    await runner.release();
  }
  const [exported, own] = losses;
  assert.deepEqual(Object.keys(exported).sort(), Object.keys(own).sort());
  assert.equal(Object.keys(own).length, 1 + stored.size);
  for (const [name, values] of Object.entries(own)) {
    const largest = Math.max(...values.map(Math.abs));
    assert.ok(largest > 0);
    values.forEach((value, i) => assert.ok(Math.abs(value - exported[name][i]) < 2e-5 * largest, `${name}: ${value} ${exported[name][i]}`));
  }
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
