import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { readLayers, writeLayers, type Layers } from '../../../src/dataset/layers';
import { tempFolder } from './temp';

const layers = (): Layers => ({
  info: { thresholds: { foreground: 0.4, background: 0.1 }, model: 'inception-v3', classes: [{ id: 3, name: 'cat' }, { id: 254, name: 'a/b <x>' }] },
  cams: { data: Float32Array.of(0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 0, 0, 0.5), channels: 2, height: 2, width: 3 },
  refined: { data: Float32Array.of(0.2, 1), channels: 2, height: 1, width: 1 },
  seed: { data: Uint8Array.of(0, 3, 254, 255), height: 2, width: 2 },
});

test('maps come back within half a step, seeds exactly', async t => {
  const root = await tempFolder(t);
  await writeLayers(root, 'sub/é.jpg', layers());
  const read = await readLayers(root, 'sub/é.jpg');
  assert.ok(read);
  assert.deepEqual(read.info, layers().info);
  assert.deepEqual(read.seed, layers().seed);
  assert.deepEqual([read.cams.channels, read.cams.height, read.cams.width], [2, 2, 3]);
  read.cams.data.forEach((score, i) => assert.ok(Math.abs(score - layers().cams.data[i]) <= 0.5 / 255 + 1e-6));
  assert.deepEqual(Array.from(read.refined.data, value => Math.round(value * 255)), [51, 255]);
  const folder = join(root, '.seedmask/layers/sub/é.jpg');
  assert.deepEqual((await readdir(folder)).sort(), ['cam.254.png', 'cam.3.png', 'layers.json', 'refined.254.png', 'refined.3.png', 'seed.png']);
  const { data, info } = await sharp(join(folder, 'cam.3.png')).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, [...data]], [3, 2, [0, 51, 102, 153, 204, 255]]);
});

test('a photo without classes has a seed and no maps', async t => {
  const root = await tempFolder(t);
  const empty = { ...layers(), info: { ...layers().info, classes: [] }, cams: { data: new Float32Array(), channels: 0, height: 2, width: 3 }, refined: { data: new Float32Array(), channels: 0, height: 1, width: 1 } };
  await writeLayers(root, 'a.jpg', empty);
  assert.deepEqual((await readLayers(root, 'a.jpg'))?.seed, empty.seed);
});

test('scores are clipped; one that is no number fails the photo before anything is written', async t => {
  const root = await tempFolder(t);
  const wild = layers();
  wild.cams.data.set([-3, Infinity]);
  await writeLayers(root, 'a.jpg', wild);
  assert.deepEqual([...((await readLayers(root, 'a.jpg'))?.cams.data.subarray(0, 2) ?? [])], [0, 1]);
  wild.cams.data[4] = NaN;
  await assert.rejects(writeLayers(root, 'b.jpg', wild), { reason: 'numeric', file: 'b.jpg' });
  assert.equal(await readLayers(root, 'b.jpg'), undefined);
  await assert.rejects(readdir(join(root, '.seedmask/layers/b.jpg')));
});

test('missing, damaged or mixed layers read as none', async t => {
  const root = await tempFolder(t);
  assert.equal(await readLayers(root, 'a.jpg'), undefined);
  const damage: ((folder: string) => Promise<void>)[] = [
    folder => rm(join(folder, 'layers.json')),
    folder => writeFile(join(folder, 'layers.json'), '{'),
    folder => writeFile(join(folder, 'layers.json'), '{"stage": 1}'),
    folder => rm(join(folder, 'cam.254.png')),
    folder => writeFile(join(folder, 'seed.png'), 'x'),
  ];
  for (const harm of damage) {
    await writeLayers(root, 'a.jpg', layers());
    await harm(join(root, '.seedmask/layers/a.jpg'));
    assert.equal(await readLayers(root, 'a.jpg'), undefined);
  }
});
