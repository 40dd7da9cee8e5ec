/** The builder's shape rules against the runtime's own, and the values of a small graph. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { GraphBuilder } from '../../models/graph/builder';
import type { Value } from '../../models/graph/value';
import { floats } from '../../src/shared/graph';
import { runOnce } from '../cpuHost';

const ramp = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7) + 0.1);

/** Operators by name, applied to x [2, 3, 6, 5] and m [3, 4]. */
const CASES: Record<string, (g: GraphBuilder, x: Value, m: Value) => Value> = {
  'broadcast': (g, x) => g.mul(g.sum(x, [1, 3]), g.constant(ramp(15), [3, 1, 5])),
  'number operand': (g, x) => g.sub(1, g.max(x, 0)),
  'where, compare': (g, x) => g.where(g.greater(x, 0.2), x, 0),
  'where keeps rank of a lower condition': (g, _, m) => g.where(g.greater(g.reshape(m, [12]), 0), g.reshape(m, [1, 12]), 1),
  'cast of bool': (g, x) => g.cast(g.lessOrEqual(x, 0), 'float32'),
  'reduce without axes kept': (g, x) => g.mean(x, [-1, 0], false),
  'matmul broadcast': (g, x) => g.matmul(x, g.constant(ramp(10), [1, 5, 2])),
  'gemm': (g, _, m) => g.gemm(m, m, g.constant(ramp(4), [4]), { transA: true }),
  'conv stride dilation pad': (g, x) => g.conv(x, g.constant(ramp(4 * 3 * 9), [4, 3, 3, 3]), undefined, { strides: [2, 1], dilations: [1, 2], pads: [1, 0, 2, 1] }),
  'conv transpose': (g, x) => g.op('ConvTranspose', [x, g.constant(ramp(3 * 2 * 4), [3, 2, 2, 2])], { strides: [2, 2], output_padding: [1, 0] }),
  'max pool': (g, x) => g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] }),
  'average pool': (g, x) => g.op('AveragePool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }),
  'slice with negative step': (g, x) => g.slice(x, [-1, 1], [-100, 5], [2, 3], [-2, 1]),
  'slice to the end': (g, x) => g.slice(x, [1], [1e6], [1]),
  'concat': (g, x) => g.concat([x, g.slice(x, [0], [1], [1])], 1),
  'gather': (g, x) => g.gather(x, g.constant(BigInt64Array.of(2n, 0n), [1, 2]), 1),
  'pad reflect': (g, x) => g.pad(x, [0, 0, 1, 2, 0, 0, 3, 1], 'reflect'),
  'transpose, reshape -1': (g, x) => g.reshape(g.transpose(x, [3, 1, 0, 2]), [0, -1]),
  'squeeze and unsqueeze': (g, x) => g.op('Unsqueeze', [g.op('Squeeze', [g.sum(x, [1]), g.integers([1])]), g.integers([0, -1])]),
  'expand and tile': (g, x) => g.op('Tile', [g.expand(g.sum(x, [1]), [2, 4, 6, 5]), g.integers([1, 1, 2, 1])]),
  'resize': (g, x) => g.resize(x, 9, 3),
  'layer norm': (g, x) => g.op('LayerNormalization', [x, g.constant(ramp(5), [5])], { axis: -1, epsilon: { float: 1e-5 } }),
  'top k': (g, x) => g.ops('TopK', [x, g.integers([2])], { axis: 1 }, 2)[0],
  'arg max': (g, x) => g.cast(g.op('ArgMax', [x], { axis: 2, keepdims: 0 }), 'float32'),
};

for (const [name, build] of Object.entries(CASES)) {
  test(`the builder knows the runtime's shape: ${name}`, async () => {
    const g = new GraphBuilder();
    const y = build(g, g.input('x', [2, 3, 6, 5]), g.input('m', [3, 4]));
    g.output('y', y);
    const result = floats(await runOnce(g.toOnnx(), { x: { dims: [2, 3, 6, 5], data: ramp(180) }, m: { dims: [3, 4], data: ramp(12) } }), 'y');
    assert.deepEqual([...result.dims], [...y.shape]);
    assert.ok(result.data.every(Number.isFinite));
  });
}

test('a graph computes what it says, and one value may have several names', async () => {
  const g = new GraphBuilder();
  const x = g.input('x', [2, 2]);
  const unit = g.div(x, g.sqrt(g.sum(g.mul(x, x), [1])));
  const cosine = g.matmul(unit, g.transpose(unit, [1, 0]));
  g.output('cosine', cosine);
  g.output('again', cosine);
  g.output('same', x);
  g.exp(x); // dead: needed by no output
  assert.ok(!g.describe().nodes.some(node => node.op === 'Exp'));
  const out = await runOnce(g.toOnnx(), { x: { dims: [2, 2], data: Float32Array.of(3, 4, 4, 3) } });
  [1, 0.96, 0.96, 1].forEach((expected, i) => assert.ok(Math.abs(floats(out, 'cosine').data[i] - expected) < 1e-6));
  assert.deepEqual(out.again.data, out.cosine.data);
  assert.deepEqual([...floats(out, 'same').data], [3, 4, 4, 3]);
});
