/** Regions as run lengths, and a person's words on them. */
import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyChoices, chooseClasses, chooseRegions, Choices } from '../../../src/dataset/choices';
import { encodeMask } from '../../../src/dataset/maskFile';
import { readBefore, readMarsLayers, readMarsMade, readRegions, removeMars, writeMars, type RegionRecord } from '../../../src/dataset/evidenceStore';
import { sha256 } from '../../../src/dataset/hash';
import { eachStretch, regionArea, regionIou, regionRuns, type Box } from '../../../src/dataset/regionPixels';
import { tempFolder } from './temp';

const WIDTH = 10;
const HEIGHT = 8;

/** A region of some pixels of a 10 x 8 picture. */
function region(photo: string, classId: number, pixels: readonly number[]): RegionRecord {
  const xs = pixels.map(p => p % WIDTH);
  const ys = pixels.map(p => Math.floor(p / WIDTH));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const box: RegionRecord['box'] = [left, top, Math.max(...xs) - left + 1, Math.max(...ys) - top + 1];
  return {
    id: `${photo}#${classId}@${box.join()}`, photo, classId, box, area: pixels.length, pixels: regionRuns(box, WIDTH, p => pixels.includes(p)),
    decision: { meanSimilarity: 0.2, histogram: Array<number>(16).fill(0), threshold: 0.5, rule: 'margin', flippedByCrf: 0, bestTags: [] },
    prototype: { metric: 'paper-mean', selected: 1, of: 2, cut: 0.4, contributes: false, above: [], below: [] }, clusters: [], situation: 'split', background: { photos: [], nearest: [] },
    counterfactual: { alphaLower: 1, alphaHigher: 1, withoutThisPhoto: 1, otherMetric: null, thresholdLower: 1, thresholdHigher: 1 }, stable: true,
    provenance: { run: 'r', source: 's', mask: 'm', model: 'x', grid: [2, 2], settings: {}, version: '0' },
  };
}

const somePixels = fc.uniqueArray(fc.nat(WIDTH * HEIGHT - 1), { minLength: 1, maxLength: 40 });

test('any region comes back from its runs, pixel for pixel', () => {
  fc.assert(fc.property(somePixels, pixels => {
    const { box, pixels: runs } = region('a.jpg', 1, pixels);
    const found: number[] = [];
    eachStretch(box, runs, WIDTH, (from, count) => found.push(...Array.from({ length: count }, (_, i) => from + i)));
    assert.deepEqual(found, [...pixels].sort((a, b) => a - b));
    assert.equal(regionArea(runs), pixels.length);
  }));
});

test('overlap of regions is that of their sets of pixels', () => {
  fc.assert(fc.property(somePixels, somePixels, (a, b) => {
    const [first, second] = [region('a.jpg', 1, a), region('a.jpg', 1, b)];
    const both = a.filter(p => b.includes(p)).length;
    const iou = regionIou({ box: first.box, runs: first.pixels }, { box: second.box, runs: second.pixels });
    assert.ok(Math.abs(iou - both / (a.length + b.length - both)) < 1e-12);
  }));
});

test('runs that leave their box write nothing outside it', () => {
  const box: Box = [1, 1, 2, 2];
  const seen: number[] = [];
  eachStretch(box, [0, 100], WIDTH, (from, count) => seen.push(from, count));
  assert.deepEqual(seen, [11, 2, 21, 2]);
});

test('a word on a region holds for what overlaps it by half, of the same class and photo', async t => {
  const home = await tempFolder(t);
  await chooseRegions(home, [region('a.jpg', 1, [0, 1, 2, 3])], 'restored');
  const choices = await Choices.read(home);
  assert.equal(choices.of(region('a.jpg', 1, [0, 1, 2, 3])), 'restored');
  assert.equal(choices.of(region('a.jpg', 1, [0, 1, 2, 3, 4, 5])), 'restored', '4 of 6');
  assert.equal(choices.of(region('a.jpg', 1, [3, 4, 5])), null, '1 of 6');
  assert.equal(choices.of(region('a.jpg', 2, [0, 1, 2, 3])), null, 'another class');
  assert.equal(choices.of(region('b.jpg', 1, [0, 1, 2, 3])), null, 'another photo');
});

test("a region's word goes before its class's; words can be taken back; later ones count; damaged lines do not", async t => {
  const home = await tempFolder(t);
  const mine = region('a.jpg', 1, [0, 1, 2, 3]);
  const other = region('a.jpg', 1, [40, 41]);
  await chooseClasses(home, [1], 'restored');
  await chooseRegions(home, [mine], 'accepted');
  const file = join(home, '.seedmask/evidence/choices.jsonl');
  await appendFile(file, '{"classId": 1, "choice": "nonsense"}\n{torn');
  const first = await Choices.read(home);
  assert.deepEqual([first.of(mine), first.of(other), first.ofClass(1)], ['accepted', 'restored', 'restored']);
  await chooseRegions(home, [mine], null);
  await chooseClasses(home, [1], null);
  const second = await Choices.read(home);
  assert.deepEqual([second.of(mine), second.of(other)], [null, null]);
  assert.equal(second.hash(), (await Choices.read(await tempFolder(t))).hash(), 'as if nothing had been said');
  assert.notEqual(first.hash(), second.hash());
  assert.match(await readFile(file, 'utf8'), /\{torn\n\{/, 'a torn line is not glued to the next');
});

test('the mask is the one before without its removed regions, but for restored ones', async t => {
  const home = await tempFolder(t);
  const regions = [region('a.jpg', 1, [0, 1, 2]), region('a.jpg', 1, [50, 51])];
  const before = { data: new Uint8Array(WIDTH * HEIGHT).fill(1), width: WIDTH, height: HEIGHT };
  const none = await Choices.read(home);
  assert.deepEqual([...applyChoices(before, regions, none, 'background').data.subarray(0, 4)], [0, 0, 0, 1]);
  assert.deepEqual([...applyChoices(before, regions, none, 'ignore').data.subarray(49, 53)], [1, 255, 255, 1]);
  await chooseRegions(home, [regions[0]], 'restored');
  const mask = applyChoices(before, regions, await Choices.read(home), 'background');
  assert.deepEqual([mask.data[0], mask.data[50]], [1, 0]);
  await chooseClasses(home, [1], 'restored');
  assert.deepEqual(applyChoices(before, regions, await Choices.read(home), 'background').data, before.data);
});

test('what was written of a photo comes back; a mask before with other bytes does not count; forgotten is forgotten', async t => {
  const home = await tempFolder(t);
  const before = encodeMask({ data: new Uint8Array(WIDTH * HEIGHT).fill(1), width: WIDTH, height: HEIGHT });
  const removed = { data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT };
  removed.data[5] = 1;
  const regions = [region('sub/a.jpg', 1, [5])];
  const similarity = { height: 2, width: 3, first: Uint8Array.of(0, 50, 100, 150, 200, 250), second: Uint8Array.of(1, 1, 1, 2, 2, 2) };
  await writeMars(home, 'sub/a.jpg', { science: sha256('x'), before, removed, similarity, regions });
  assert.deepEqual(await readRegions(home, 'sub/a.jpg'), regions);
  const layers = await readMarsLayers(home, 'sub/a.jpg');
  assert.deepEqual(layers?.removed.data, removed.data);
  assert.deepEqual(layers?.similarity, similarity);
  assert.equal(await readBefore(home, 'sub/a.jpg', sha256('other')), undefined);
  await removeMars(home, 'sub/a.jpg');
  assert.equal(await readMarsMade(home, 'sub/a.jpg'), undefined);
  assert.deepEqual(await readRegions(home, 'sub/a.jpg'), []);
});
