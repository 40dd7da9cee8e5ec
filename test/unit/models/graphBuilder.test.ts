/** Mistakes in a graph are found when it is built, and say which operator and why. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { GraphBuilder } from '../../../models/graph/builder';

test('what does not fit together is refused at build time', () => {
  const g = new GraphBuilder('g');
  const a = g.input('a', [2, 3]);
  assert.throws(() => g.matmul(a, a), /MatMul: \[2,3\] x \[2,3\]/);
  assert.throws(() => g.add(a, g.input('b', [2, 2])), /Add: shapes .* do not broadcast/);
  assert.throws(() => g.reshape(a, [4]), /Reshape: \[2,3\] cannot be reshaped to \[4\]/);
  assert.throws(() => g.concat([a, g.input('c', [2, 3, 1])], 0), /Concat/);
  assert.throws(() => g.sum(a, [2]), /axis 2 is outside a tensor of rank 2/);
  assert.throws(() => g.add(a, g.greater(a, 0)), /dtypes float32 and bool/);
  assert.throws(() => g.op('Reshape', [a, g.input('s', [1], 'int64')]), /must be a constant/);
  assert.throws(() => g.constant(new Float32Array(3), [2, 2]), /3 numbers do not fill/);
  assert.throws(() => g.input('a', [1]), /exists already/);
  assert.throws(() => g.toOnnx(), /no output/);
});

test('a one-element operand takes the rank of the other', () => {
  const g = new GraphBuilder();
  const weights = g.input('w', [8, 4, 1, 1]);
  const scaled = g.mul(weights, g.input('rate', []));
  assert.deepEqual(scaled.node?.inputs.map(v => v?.rank), [4, 4]);
  assert.deepEqual(g.mul(weights, 2).node?.inputs.map(v => v?.rank), [4, 4]);
});

test('equal constants are written once', () => {
  const g = new GraphBuilder();
  const x = g.input('x', [2, 2]);
  g.output('y', g.add(g.mul(g.sum(x, [0]), 2), g.mul(g.sum(x, [0], false), g.scalar(2, 1))));
  assert.equal(g.describe().initializers.length, 3); // axes, 2 of rank 2, 2 of rank 1
});
