/** Every gradient rule against finite differences of the real runtime, along random directions. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import type { Attributes } from '../../models/graph/value';
import { floats } from '../../src/shared/graph';
import { cpuHost } from '../cpuHost';
import { CASES, numbers } from '../gradientCases';

for (const [name, { shapes, build }] of Object.entries(CASES)) {
  test(`gradient of ${name}`, async () => {
    const g = new GraphBuilder();
    const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
    const y = build(g, ...inputs);
    // A weighted sum, so that errors of different elements do not cancel.
    const loss = g.sum(g.reshape(g.mul(y, g.constant(numbers(y.size, 99), y.shape)), [y.size]), [0], false);
    g.output('loss', loss);
    gradients(g, loss, inputs).forEach((gradient, i) => g.output(`d${i}`, gradient));
    const runner = await cpuHost().open(g.toOnnx());
    const at = inputs.map((input, i) => numbers(input.size, i + 1));
    const run = (values: readonly Float32Array[]) => runner.run(Object.fromEntries(values.map((data, i) => [`x${i}`, { dims: shapes[i], data }])));
    const analytic = await run(at);
    for (const [i, shape] of shapes.entries()) {
      const { data, dims } = floats(analytic, `d${i}`);
      assert.deepEqual([...dims], shape);
      for (const seed of [7, 8]) {
        const direction = numbers(data.length, seed);
        const step = 5e-3;
        const moved = async (sign: number): Promise<number> => {
          const values = at.map((value, k) => (k === i ? value.map((x, j) => x + sign * step * direction[j]) : value));
          return floats(await run(values), 'loss').data[0];
        };
        const numeric = ((await moved(1)) - (await moved(-1))) / (2 * step);
        const exact = data.reduce((sum, d, j) => sum + d * direction[j], 0);
        const scale = data.reduce((sum, d, j) => sum + Math.abs(d * direction[j]), 1e-3);
        assert.ok(Math.abs(numeric - exact) < 3e-3 * scale + 2e-3, `input ${i}: ${numeric} by differences, ${exact} by the rule`);
      }
    }
    await runner.release();
  });
}

test('what cannot be differentiated is refused by name, and what does not matter has gradient zero', async () => {
  const g = new GraphBuilder();
  const x = g.input('x', [3]);
  const unused = g.input('unused', [2, 2]);
  assert.throws(() => gradients(g, g.sum(g.op('CumSum', [x, g.scalar(0, 0, 'int64')]), [0], false), [x]), /no gradient rule for CumSum/);
  assert.throws(() => gradients(g, x, [x]), /the loss must be one number/);
  const [zero] = gradients(g, g.sum(x, [0], false), [unused]);
  assert.deepEqual([...zero.shape], [2, 2]);
  g.output('zero', zero);
  const runner = await cpuHost().open(g.toOnnx());
  const out = await runner.run({ x: { dims: [3], data: numbers(3, 1) }, unused: { dims: [2, 2], data: numbers(4, 1) } });
  assert.deepEqual([...floats(out, 'zero').data], [0, 0, 0, 0]);
  await runner.release();
});

test('a maximum pool without positions gives the first of equal numbers the gradient, too', async () => {
  const windows: Attributes[] = [
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    { kernel_shape: [2, 3], strides: [2, 1], pads: [0, 1, 1, 0] },
    { kernel_shape: [2, 2], strides: [1, 2], dilations: [2, 1] },
  ];
  for (const attributes of windows) {
    const g = new GraphBuilder();
    const x = g.input('x', [2, 3, 7, 8]);
    const y = g.op('MaxPool', [x], attributes);
    const loss = g.sum(g.mul(y, g.constant(numbers(y.size, 9), y.shape)), [0, 1, 2, 3], false);
    for (const maxPool of ['positions', 'masks'] as const) g.output(maxPool, gradients(g, loss, [x], { maxPool })[0]);
    const runner = await cpuHost().open(g.toOnnx());
    // Few different numbers: many are equal.
    const out = await runner.run({ x: { dims: x.shape, data: numbers(x.size, 3).map(value => Math.round(2 * value)) } });
    const [expected, masks] = ['positions', 'masks'].map(name => floats(out, name).data);
    masks.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6, `${JSON.stringify(attributes)}: ${value} ${expected[i]}`));
    await runner.release();
  }
});
