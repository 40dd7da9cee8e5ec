import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readScoreMaps, writeScoreMaps } from '../../../src/dataset/scoreMaps';
import { MODEL_FILE, readParameters, readTrained, trainedPath, writeTrained, writeTrainedModel } from '../../../src/dataset/trained';
import { tempFolder } from './temp';

const HASH = 'ab'.repeat(32);
const facts = (run: string) => ({
  key: HASH, run, time: '2026-01-01T00:00:00Z', preset: { name: 'tiny', training: { seed: 1 } }, classes: [{ id: 1, name: 'cat' }], photos: 3, device: 'CPU', models: { backbone: HASH, saliency: null },
  stages: [{ name: 'decoder' as const, steps: 9 }],
});

test('what was trained comes back whole; a later training takes its place, and its files go', async t => {
  const root = await tempFolder(t);
  assert.equal(await readTrained(root), undefined);
  const first = await writeTrained(root, facts('one'), Buffer.from('first numbers'));
  const withModel = await writeTrainedModel(root, first, Buffer.from('onnx'));
  assert.deepEqual(await readTrained(root), withModel);
  assert.deepEqual(Buffer.from((await readParameters(root, first)) ?? []).toString(), 'first numbers');
  const second = await writeTrained(root, facts('two'), Buffer.from('second numbers'));
  assert.deepEqual(await readTrained(root), second);
  assert.deepEqual((await readdir(trainedPath(root))).sort(), [second.parameters.file, 'trained.json'].sort(), `and no ${MODEL_FILE} of another training`);
  assert.equal(await readParameters(root, first), undefined);
});

test('a damaged record, or damaged numbers, read as absent', async t => {
  const root = await tempFolder(t);
  const record = await writeTrained(root, facts('one'), Buffer.from('numbers'));
  await truncate(trainedPath(root, record.parameters.file), 3);
  assert.equal(await readParameters(root, record), undefined);
  const file = trainedPath(root, 'trained.json');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(record.parameters.file, '../../outside'));
  assert.equal(await readTrained(root), undefined, 'no way out');
  await writeFile(file, text.slice(0, 40));
  assert.equal(await readTrained(root), undefined);
});

test('score maps come back to 1/255, under their own key alone', async t => {
  const folder = await tempFolder(t);
  await fc.assert(fc.asyncProperty(fc.nat(3), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (channels, height, width, numbers) => {
    const data = Float32Array.from({ length: channels * height * width }, () => Number(numbers.next().value));
    const file = join(folder, 'photo.jpg');
    await writeScoreMaps(file, 'key', { data, channels, height, width });
    const found = await readScoreMaps(file, 'key');
    assert.deepEqual([found?.channels, found?.height, found?.width, found?.data.length], [channels, height, width, data.length]);
    found?.data.forEach((value, i) => assert.ok(Math.abs(value - data[i]) <= 0.5 / 255 + 1e-6));
    assert.equal(await readScoreMaps(file, 'other'), undefined);
  }), { numRuns: 30 });
});

test('score maps that are damaged read as absent', async t => {
  const file = join(await tempFolder(t), 'sub', 'photo.jpg');
  await writeScoreMaps(file, 'key', { data: new Float32Array(60).fill(0.5), channels: 3, height: 4, width: 5 });
  const bytes = await readFile(file);
  for (const end of [0, 10, bytes.length - 1]) {
    await writeFile(file, bytes.subarray(0, end));
    assert.equal(await readScoreMaps(file, 'key'), undefined);
  }
  await writeFile(file, Buffer.concat([Buffer.from('{"key":"key","channels":100000,"height":100000,"width":1}\n'), bytes]));
  assert.equal(await readScoreMaps(file, 'key'), undefined);
});
