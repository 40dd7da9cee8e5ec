import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TrainingState } from '../../../models/trainer';
import { CheckpointStore, decodeState, encodeState, sameForm, type Position } from '../../../src/engine/training/checkpoint';
import { tempFolder } from '../../unit/dataset/temp';

const FACTS = { seconds: 12.5, watch: { first: [1], recent: [1, 0.5] }, data: 'd' };
const state = (steps: number, value = steps): TrainingState => ({ steps, tensors: { w: { dims: [2, 2], data: Float32Array.of(value, -0, NaN, 1e-40) }, 'w.m': { dims: [], data: Float32Array.of(value / 3) } } });
const at = (epoch: number, step: number, stage = 0): Position => ({ stage, name: stage === 0 ? 'puzzle' : 'decoder', epoch, step });

test('a state comes back bit for bit, whatever its tensors', () => {
  fc.assert(fc.property(fc.nat(), fc.dictionary(fc.string({ minLength: 1 }), fc.array(fc.float(), { maxLength: 20 })), (steps, arrays) => {
    const tensors = Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, { dims: [values.length], data: Float32Array.from(values) }]));
    const found = decodeState(encodeState({ steps, tensors }, FACTS));
    assert.deepEqual(found, { state: { steps, tensors }, facts: FACTS });
  }));
});

test('any byte that changes, and any that is missing, is noticed', () => {
  const bytes = encodeState(state(3), FACTS);
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, change) => {
    const damaged = Uint8Array.from(bytes);
    damaged[place] ^= change;
    assert.equal(decodeState(damaged), undefined);
    assert.equal(decodeState(bytes.subarray(0, place)), undefined);
  }));
});

test('two generations are kept, with what the beginning of their epoch was', async t => {
  const folder = await tempFolder(t);
  const store = new CheckpointStore(folder);
  assert.equal(await store.newest(), undefined);
  for (const [epoch, step, steps] of [[1, 0, 0], [1, 5, 5], [1, 10, 10], [2, 0, 12], [2, 5, 17], [2, 10, 22]] as const) await store.save(at(epoch, step), state(steps), { ...FACTS, seconds: steps });
  assert.deepEqual((await readdir(folder)).sort(), ['00-puzzle-00002-0000000.state', '00-puzzle-00002-0000005.state', '00-puzzle-00002-0000010.state']);
  const newest = await store.newest();
  assert.deepEqual(newest, { ...FACTS, seconds: 22, position: at(2, 10), state: state(22), anchor: state(12) });
});

test('a damaged checkpoint is passed over for the one before it; without the beginning of its epoch one is of no use', async t => {
  const folder = await tempFolder(t);
  const store = new CheckpointStore(folder);
  await store.save(at(1, 0), state(0), FACTS);
  await store.save(at(1, 5), state(5), FACTS);
  await store.save(at(2, 0), state(8), FACTS);
  await store.save(at(2, 5), state(13), FACTS);
  await truncate(join(folder, '00-puzzle-00002-0000005.state'), 50);
  assert.deepEqual((await store.newest())?.position, at(2, 0));
  await store.save(at(2, 6), state(14), FACTS);
  const file = join(folder, '00-puzzle-00002-0000000.state');
  const bytes = await readFile(file);
  bytes[20] ^= 1;
  await writeFile(file, bytes);
  assert.equal(await store.newest(), undefined);
});

test('what a stage learnt takes the place of its checkpoints; a later stage has its own', async t => {
  const store = new CheckpointStore(await tempFolder(t));
  await store.save(at(3, 0), state(30), FACTS);
  await store.finish(0, { name: 'puzzle', state: state(40) });
  await store.save(at(1, 0, 1), state(0), FACTS);
  assert.deepEqual(await store.finished(), [{ name: 'puzzle', state: state(40) }]);
  assert.deepEqual((await store.newest(1))?.position, at(1, 0, 1));
  await store.finish(1, { name: 'decoder', state: state(7) });
  assert.deepEqual((await store.finished()).map(({ name }) => name), ['puzzle', 'decoder']);
});

test('a finished stage that is damaged is not finished, nor are those after it', async t => {
  const folder = await tempFolder(t);
  const store = new CheckpointStore(folder);
  await store.finish(0, { name: 'puzzle', state: state(40) });
  await store.finish(1, { name: 'decoder', state: state(7) });
  await truncate(join(folder, '00-puzzle-end.state'), 40);
  assert.deepEqual(await store.finished(), []);
});

test('only states of one form take each other\'s place', () => {
  assert.ok(sameForm(state(1), state(9)));
  assert.ok(!sameForm(state(1), { steps: 1, tensors: { w: state(1).tensors['w'] } }));
});
