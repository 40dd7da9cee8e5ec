/** The chain from heads to mask: sizes, ids, and that no step brings in a class the photo is not tagged with. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { QUICK, type Preset } from '../../../models/presets';
import { maskAtSize, photoMask, tagWeights, thresholdMask, type PhotoMaskInput } from '../../../src/pipeline/photoMask';
import { resizeBilinear } from '../../../src/pipeline/resize';
import { Scg } from '../../../src/pipeline/scg';
import type { LinearLayer } from '../../../src/pipeline/tagCam';
import { SeedMaskError } from '../../../src/shared/errors';
import type { Maps } from '../../../src/shared/maps';
import { randomMaps } from './maps';
import { cpuHost } from '../../cpuHost';

const GRID = { height: 6, width: 8 };
const PIXEL = 8;
let scg: Scg;
before(() => {
  scg = new Scg(cpuHost(), QUICK.scg);
});

/** Channel 0 is high in the left third, channel 1 in the right third, channel 2 between; the photo's colours follow. */
function scene(): PhotoMaskInput & { layers: readonly LinearLayer[] } {
  const { height, width } = GRID;
  const third = (x: number): number => (x < width / 3 ? 0 : x >= (2 * width) / 3 ? 1 : 2);
  const data = new Float32Array(3 * height * width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[(third(x) * height + y) * width + x] = 1;
  const view: Maps = { data, channels: 3, height, width };
  const photo = { width: width * PIXEL, height: height * PIXEL, data: new Uint8Array(width * height * PIXEL * PIXEL * 3) };
  for (let y = 0; y < photo.height; y++) {
    for (let x = 0; x < photo.width; x++) photo.data.fill([60, 200, 120][third(x / PIXEL)] + ((x * 5 + y * 3) % 9), (y * photo.width + x) * 3, (y * photo.width + x) * 3 + 3);
  }
  return { ids: [3, 9], layers: [{ views: [view], weights: Float32Array.of(1, -1, 0, -1, 1, 0), has: [true, true] }], similarity: view, sureness: [0.9, 0.8], photo, crf: false, height: 97, width: 131 };
}

after(() => scg.release());

const idAt = (mask: { data: Uint8Array; width: number; height: number }, x: number, y: number): number => mask.data[Math.round(y * (mask.height - 1)) * mask.width + Math.round(x * (mask.width - 1))];

for (const [name, change, preset] of [
  ['threshold', {}, QUICK],
  ['EdgePredict', {}, { ...QUICK, mask: { ...QUICK.mask, fill: 'edgePredict' } }],
  ['dense CRF', { crf: true }, QUICK],
  ['saliency', { saliency: { data: new Float32Array(4).fill(1), channels: 1, height: 2, width: 2 } }, QUICK],
  ['features for SCG on a grid of their own', { similarity: { data: new Float32Array(5 * 12 * 16).map((_, i) => Math.sin(i)), channels: 5, height: 12, width: 16 } }, QUICK],
] as [string, Partial<PhotoMaskInput>, Preset][]) {
  test(`each tag where its features are, background between, the size asked for: ${name}`, async () => {
    const { mask, cam, refined, seed } = await photoMask({ ...scene(), ...change }, preset, scg);
    assert.deepEqual([mask.height, mask.width, mask.data.length], [97, 131, 97 * 131]);
    assert.equal(idAt(mask, 0.1, 0.5), 3);
    assert.equal(idAt(mask, 0.9, 0.5), 9);
    assert.ok([...new Set(mask.data)].every(id => [0, 3, 9].includes(id)));
    assert.deepEqual([cam.channels, cam.height, cam.width], [2, 6, 8]);
    assert.deepEqual([refined.channels, refined.height, refined.width], [2, 48, 64]);
    assert.deepEqual([seed.height, seed.width], [48, 64]);
    assert.ok([...new Set(seed.data)].every(id => [0, 3, 9, 255].includes(id)));
    if (name === 'threshold') assert.equal(idAt(mask, 0.5, 0.5), 0);
  });
}

test('the less sure tag gets less of what both claim', async () => {
  const both = { ...scene(), layers: [{ ...scene().layers[0], weights: Float32Array.of(1, 0.2, 0.1, 0.2, 1, 0.1) }] };
  const share = async (sureness: number[]): Promise<number> => (await photoMask({ ...both, sureness }, QUICK, scg)).mask.data.filter(id => id === 9).length;
  assert.ok((await share([0.9, 0.01])) < (await share([0.9, 0.9])));
});

test('features that are not numbers are an error, never a mask', async () => {
  const { layers: [layer], ...rest } = scene();
  const broken = { ...layer.views[0], data: layer.views[0].data.map((value, i) => (i === 5 ? NaN : value)) };
  await assert.rejects(photoMask({ ...rest, layers: [{ ...layer, views: [broken] }], similarity: broken }, QUICK, scg), (error: unknown) => error instanceof SeedMaskError && error.reason === 'numeric');
});

test('weights: the surest tag 1, the others less, none NaN', () => {
  assert.deepEqual(tagWeights([0.5], 0.2), [1]);
  assert.deepEqual(tagWeights([0.2, 0.8], 0.5), [0.5, 1]);
  assert.deepEqual(tagWeights([0, 0], 0.2), [1, 1], 'where the heads are sure of none, none is left out');
  assert.deepEqual(tagWeights([0.3, 0.9], 0), [1, 1]);
  fc.assert(fc.property(fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }), fc.float({ min: 0, max: 2, noNaN: true }), (sureness, exponent) => {
    const weights = tagWeights(sureness, exponent);
    assert.equal(Math.max(...weights), 1);
    assert.ok(weights.every(weight => weight >= 0 && weight <= 1));
  }));
});

test('threshold: the best id above it, the first of equals, background else', () => {
  const scores: Maps = { data: Float32Array.of(0.5, 0.1, 0.4, 0.2, 0.6, 0.2, 0.4, 0), channels: 2, height: 2, width: 2 };
  assert.deepEqual([...thresholdMask(scores, [5, 8], 0.2).data], [8, 0, 5, 0]);
});

test('a mask of many rows, made some at a time, is the mask made at once', () => {
  const scores = randomMaps(2, 13, 5, 7);
  const whole = thresholdMask(resizeBilinear(scores, 1200, 17), [3, 9], 0.4);
  assert.deepEqual(maskAtSize(scores, [3, 9], 0.4, 1200, 17), whole);
  assert.deepEqual(new Set(whole.data), new Set([0, 3, 9]));
});

test('hints change the mask: a box keeps a class inside, a point brings a class where its features are not', async () => {
  const none = { boxes: [], points: [], scribbles: [] };
  const plain = await photoMask(scene(), QUICK, scg);
  const boxed = await photoMask({ ...scene(), hints: { ...none, boxes: [{ id: 3, box: [0, 0, 20, 97] as [number, number, number, number] }] } }, QUICK, scg);
  assert.equal(idAt(plain.mask, 0.25, 0.5), 3);
  for (let y = 0; y < 97; y++) for (let x = 20; x < 131; x++) assert.notEqual(boxed.mask.data[y * 131 + x], 3);
  assert.ok(boxed.mask.data.includes(3));
  const pointed = await photoMask({ ...scene(), hints: { ...none, points: [{ id: 9, x: 65, y: 48 }] } }, QUICK, scg);
  assert.equal(plain.mask.data[48 * 131 + 65], 0);
  assert.equal(pointed.mask.data[48 * 131 + 65], 9);
  const area = (mask: { data: Uint8Array }): number => mask.data.reduce((sum, label) => sum + Number(label === 9), 0);
  assert.ok(area(pointed.mask) > area(plain.mask) + 20, `${area(pointed.mask)} of ${area(plain.mask)}`);
  assert.deepEqual((await photoMask({ ...scene(), hints: none }, QUICK, scg)).mask, plain.mask);
});
