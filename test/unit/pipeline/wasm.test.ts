/** The assembler: what it writes is valid and computes what it says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assemble, f32x4, i32, i32x4, repeat, sequence, v128, type Code, type Local, type WasmFunction } from '../../../src/pipeline/wasm';

/** Runs `body` on a memory that begins with `floats`; returns as many floats of it. */
function run(floats: readonly number[], body: WasmFunction['body'], ...args: number[]): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new Float32Array(memory.buffer, 0, floats.length);
  view.set(floats);
  const module = new WebAssembly.Module(assemble([{ name: 'run', parameters: args.map(() => 'i32'), body }]));
  const exported = new WebAssembly.Instance(module, { env: { memory } }).exports.run;
  assert.ok(typeof exported === 'function');
  exported(...args);
  return view;
}

test('integers of any size survive', () => {
  fc.assert(
    fc.property(fc.integer(), value => {
      const out = run([0, 0, 0, 0], () => v128.store(i32.const(0), i32x4.const(value)));
      assert.deepEqual(Array.from(new Int32Array(out.buffer, 0, 4)), [value, value, value, value]);
    }),
  );
});

test('arithmetic on four floats', () => {
  const [a, b] = [[1, -2, 9, 0.5], [2, 4, -3, 0.25]];
  const binary = (operation: (a: Code, b: Code) => Code) =>
    Array.from(run([...a, ...b], () => v128.store(i32.const(0), operation(v128.load(i32.const(0)), v128.load(i32.const(0), 16)))).subarray(0, 4));
  assert.deepEqual(binary(f32x4.add), [3, 2, 6, 0.75]);
  assert.deepEqual(binary(f32x4.sub), [-1, -6, 12, 0.25]);
  assert.deepEqual(binary(f32x4.mul), [2, -8, -27, 0.125]);
  assert.deepEqual(binary(f32x4.div), [0.5, -0.5, -3, 2]);
  assert.deepEqual(binary(f32x4.max), [2, 4, 9, 0.5]);
  assert.deepEqual(binary((x, y) => v128.and(x, f32x4.ge(x, y))), [0, 0, 9, 0.5]);
  assert.deepEqual(binary(x => f32x4.sqrt(f32x4.abs(x))), [1, Math.fround(Math.SQRT2), 3, Math.fround(Math.SQRT1_2)]);
  assert.deepEqual(binary((_, y) => i32x4.add(y, i32x4.shiftLeft(i32x4.const(1), 23))), [4, 8, -6, 0.5]);
});

test('a loop visits every step up to its end', () => {
  const body = ([end]: readonly Local[], local: (type: 'i32' | 'v128') => Local) => {
    const at = local('i32');
    const sum = local('v128');
    return sequence(
      sum.set(f32x4.const(0)),
      repeat(at, i32.const(0), end.get, 16, sum.set(f32x4.add(sum.get, v128.load(at.get)))),
      v128.store(i32.const(0), sum.get),
    );
  };
  assert.deepEqual(Array.from(run([1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400], body, 48).subarray(0, 4)), [111, 222, 333, 444]);
  assert.deepEqual(Array.from(run([1, 2, 3, 4, 10, 20, 30, 40], body, 16).subarray(0, 4)), [1, 2, 3, 4]);
});
