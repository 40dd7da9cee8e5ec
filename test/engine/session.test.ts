/**
 * Sessions on the real runtime (CPU): sharing, errors with reasons, batches that shrink.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBatched } from '../../src/engine/memory';
import { assertFinite, OnnxHost, runtimeError } from '../../src/engine/session';
import { SeedMaskError, type ErrorReason } from '../../src/shared/errors';
import { floats, type GraphRunner, type Tensor } from '../../src/shared/graph';
import { GraphBuilder } from '../../models/graph/builder';

const reason = (expected: ErrorReason) => (error: unknown) => error instanceof SeedMaskError && error.reason === expected;
const vector = (...data: number[]): Tensor => ({ dims: [data.length], data: Float32Array.from(data) });

/** y = 1 / x for three numbers. */
function reciprocal(): Uint8Array {
  const g = new GraphBuilder('reciprocal');
  g.output('y', g.div(1, g.input('x', [3])));
  return g.toOnnx();
}

test('a graph runs from bytes and from a file, and a session is shared until the last has released it', async () => {
  const host = new OnnxHost('cpu');
  const path = join(mkdtempSync(join(tmpdir(), 'seedmask-')), 'reciprocal.onnx');
  writeFileSync(path, reciprocal());
  const [a, b] = await Promise.all([host.open(reciprocal()), host.open(path)]);
  assert.equal(a.modelHash, b.modelHash);
  assert.deepEqual([a.inputs, a.outputs], [['x'], ['y']]);
  await a.release();
  await a.release();
  await assert.rejects(a.run({ x: vector(1, 2, 4) }), /released/);
  assert.deepEqual([...floats(await b.run({ x: vector(1, 2, 4) }), 'y').data], [1, 0.5, 0.25]);
  await b.release();
  const again = await host.open(path);
  assert.deepEqual([...floats(await again.run({ x: vector(1, 2, -4) }), 'y').data], [1, 0.5, -0.25]);
  await again.release();
});

test('infinity and NaN in a result are an error with a reason', async () => {
  const runner = await new OnnxHost('cpu').open(reciprocal());
  await assert.rejects(runner.run({ x: vector(1, 0, 2) }), reason('numeric'));
  await assert.rejects(runner.run({ x: vector(1, NaN, 2) }), reason('numeric'));
  await runner.release();
  assert.throws(() => assertFinite(Float32Array.of(1, -Infinity), 'map', 'a.jpg'), error => reason('numeric')(error) && (error as SeedMaskError).file === 'a.jpg');
  assertFinite(Float32Array.of(1, -2e38, 0), 'map');
});

test('models that are none are refused with the file', async () => {
  const host = new OnnxHost('cpu');
  await assert.rejects(host.open(new TextEncoder().encode('this is no model')), reason('bad-model'));
  await assert.rejects(host.open('/no/such/model.onnx'), error => reason('bad-model')(error) && (error as SeedMaskError).file === '/no/such/model.onnx');
  await assert.rejects(host.open(reciprocal().subarray(0, 40)), reason('bad-model'));
});

test("the runtime's words become reasons", () => {
  const cases: [string, ErrorReason][] = [
    ['Non-zero status code returned while running Conv node. Status Message: bfc_arena.cc: Failed to allocate memory for requested buffer of size 8589934592', 'out-of-memory'],
    ['std::bad_alloc', 'out-of-memory'],
    ['CUDA failure 2: out of memory ; GPU=0', 'out-of-memory'],
    ['VK_ERROR_OUT_OF_DEVICE_MEMORY', 'out-of-memory'],
    ['The device was lost', 'device-unavailable'],
    ['Failed to get a WebGPU adapter: No supported adapters', 'device-unavailable'],
    ['Load model from x.onnx failed:Protobuf parsing failed.', 'bad-model'],
  ];
  for (const [text, expected] of cases) assert.ok(reason(expected)(runtimeError(new Error(text))), text);
  const other = new Error('Got invalid dimensions for input: x');
  assert.equal(runtimeError(other), other);
});

/** A device with memory for `room` items at a time; doubles each. */
function smallDevice(room: number): GraphRunner & { sizes: number[] } {
  const sizes: number[] = [];
  return {
    sizes,
    run: async ({ x }) => {
      sizes.push(x.data.length);
      if (x.data.length > room) throw new SeedMaskError('out-of-memory', 'too much');
      return { y: { dims: x.dims, data: floats({ x }, 'x').data.map(value => value * 2) } };
    },
    release: async () => undefined,
  };
}

const doubled = (runner: GraphRunner, items: number[], maxBatch: number, onShrink?: (batch: number) => void) =>
  runBatched(runner, items, batch => ({ x: vector(...batch) }), outputs => [...floats(outputs, 'y').data], { maxBatch, ...(onShrink && { onShrink }) });

test('a batch that does not fit is run in halves, in order, and the size is kept', async () => {
  const device = smallDevice(3);
  const shrunk: number[] = [];
  const { results, batch } = await doubled(device, [1, 2, 3, 4, 5, 6, 7], 8, size => shrunk.push(size));
  assert.deepEqual(results, [2, 4, 6, 8, 10, 12, 14]);
  assert.deepEqual(device.sizes, [7, 4, 2, 2, 2, 1]);
  assert.deepEqual([shrunk, batch], [[4, 2], 2]);
});

test('one item that does not fit is out of memory; other errors are not retried; nothing is nothing', async () => {
  await assert.rejects(doubled(smallDevice(0), [1, 2, 3], 4), reason('out-of-memory'));
  const broken = { ...smallDevice(9), run: async () => Promise.reject(new Error('broken')) };
  await assert.rejects(doubled(broken, [1, 2], 2), /broken/);
  assert.deepEqual((await doubled(smallDevice(1), [], 4)).results, []);
});
