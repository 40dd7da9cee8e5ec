/** The demo's folder, and what a contact sheet shows. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { imagenetGroup } from '../../models/warmStart';
import { spread, writeContactSheet } from '../../scripts/contactSheet';
import { makeDemoFolder } from '../../scripts/demoFolder';
import { drawSheet } from '../../scripts/sheetLayout';
import { camPanel, classColour, maskPanel, seedPanel } from '../../scripts/sheetPanels';
import { writeLayers } from '../../src/dataset/layers';
import { encodeMask } from '../../src/dataset/maskFile';
import { scanPhotos } from '../../src/dataset/scan';
import { readTags } from '../../src/dataset/tags/readTags';
import { atomicWrite } from '../../src/dataset/atomicWrite';
import type { RgbImage } from '../../src/shared/maps';
import { DEFAULT_SETTINGS } from '../../src/shared/settings';
import { REPOSITORY } from './sources';

const LABELS = join(REPOSITORY, 'models/weights/imagenet-labels.json');
const grey = (width: number, height: number): RgbImage => ({ data: new Uint8Array(width * height * 3).fill(128), width, height });
const pixel = ({ data }: RgbImage, i: number): number[] => [...data.subarray(i * 3, i * 3 + 3)];

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'seedmask-demo-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('each photo of the demo has tags, and each entry of its tags file a photo', () => inFolder(async folder => {
  await makeDemoFolder(REPOSITORY, folder);
  const { photos } = await scanPhotos(folder, { outputName: DEFAULT_SETTINGS.outputName });
  const { tags, notes, source } = await readTags(folder, photos, DEFAULT_SETTINGS);
  assert.equal(source, 'tags.json');
  assert.deepEqual(notes, []);
  assert.deepEqual([...tags.keys()].sort(), photos);
}));

test('ImageNet knows every tag of the demo', { skip: existsSync(LABELS) ? false : 'needs npm run models' }, () => {
  const labels = JSON.parse(readFileSync(LABELS, 'utf8')) as string[];
  const tags = Object.values(JSON.parse(readFileSync(join(REPOSITORY, 'media/demo/tags.json'), 'utf8')) as Record<string, string[]>).flat();
  assert.deepEqual(tags.filter(tag => imagenetGroup(tag, labels).length === 0), []);
});

test('a selection is in order, without doubles, with first and last', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 2, max: 20 }), (count, most) => {
    const all = Array.from({ length: count }, (_, i) => i);
    const some = spread(all, most);
    assert.equal(some.length, Math.min(count, most));
    assert.ok(some.every((item, i) => i === 0 || item > some[i - 1]));
    if (count > 0) assert.deepEqual([some[0], some.at(-1)], [0, count - 1]);
  }));
});

test('no two classes have one colour', () => {
  const colours = new Set(Array.from({ length: 255 }, (_, id) => classColour(id).join()));
  assert.equal(colours.size, 255);
});

test('panels: heat where the map is high, class colours on seed and mask, darkness on background', () => {
  const photo = grey(4, 4);
  const left = (a: number, b: number): number[] => Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? a : b));
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

  const cam = camPanel(photo, { data: Float32Array.from(left(1, 0)), channels: 1, height: 4, width: 4 });
  assert.ok(sum(pixel(cam, 4)) > 2 * sum(pixel(cam, 7)));

  const seed = seedPanel(photo, { data: Uint8Array.from(left(1, 0)), height: 4, width: 4 });
  const [red, green, blue] = pixel(seed, 4);
  assert.ok(red > green && green === blue, 'id 1 is red');
  assert.ok(sum(pixel(seed, 7)) < 3 * 64, 'background is dark');
  const undecided = seedPanel(photo, { data: new Uint8Array(16).fill(255), height: 4, width: 4 });
  assert.ok(sum(pixel(undecided, 0)) !== sum(pixel(undecided, 3)), 'undecided is hatched');

  const mask = maskPanel(photo, { data: Uint8Array.from(left(1, 0)), height: 4, width: 4 });
  assert.deepEqual(pixel(mask, 5), [255, 255, 255], 'the outline lies inside the object');
  assert.ok(pixel(mask, 4)[0] > pixel(mask, 4)[1]);
  assert.ok(sum(pixel(mask, 6)) < 3 * 100);
});

test('a sheet is drawn whatever files and classes are called', async () => {
  const names = ['a.jpg', '<&"\'>.jpg', 'é 画像.jpg', 'x'.repeat(300), 'bell\u0007.jpg'];
  const rows = names.map((photo, i) => ({
    photo,
    mask: `${photo}.png`,
    tags: [{ id: i + 1, name: photo, found: i % 2 === 0 }],
    panels: Array.from({ length: 4 }, () => grey(300, 100 + 20 * i)),
  }));
  const { width, height } = await sharp(await drawSheet({ title: '<title>', about: names.join(), rows })).metadata();
  assert.ok(width > 4 * 300);
  assert.ok(height > rows.reduce((sum, { panels }) => sum + panels[0].height, 0));
});

test('a sheet shows the photos that have mask and layers; with none there is no sheet', () => inFolder(async folder => {
  const sheet = join(folder, '.seedmask/contact-sheet.png');
  const labels = { data: new Uint8Array(64 * 48).fill(1), width: 64, height: 48 };
  const photo = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#808080' } }).jpeg().toBuffer();
  for (const name of ['a', 'b', 'c']) await atomicWrite(join(folder, `${name}.jpg`), photo);
  await atomicWrite(join(folder, 'a.mask.png'), encodeMask(labels));
  assert.equal(await writeContactSheet(folder, sheet, 'none'), 0);
  assert.equal(existsSync(sheet), false);

  const maps = { data: new Float32Array(12).fill(0.5), channels: 1, height: 3, width: 4 };
  const info = { thresholds: {}, model: 'none', classes: [{ id: 1, name: 'cat' }] };
  for (const name of ['a.jpg', 'b.jpg']) await writeLayers(folder, name, { info, cams: maps, refined: maps, seed: { ...labels } });
  assert.equal(await writeContactSheet(folder, sheet, 'one'), 1, 'b.jpg has no mask, c.jpg nothing');
  assert.equal((await sharp(sheet).metadata()).format, 'png');

  await atomicWrite(join(folder, 'b.mask.png'), encodeMask(labels));
  await atomicWrite(join(folder, 'a.mask.png'), 'no PNG');
  assert.equal(await writeContactSheet(folder, sheet, 'one'), 1, 'the mask of a.jpg is damaged by now');
}));
