/** From similarity to labels: the toy data set, and what must never happen to a mask. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { calibrate, calibrationPhotos, sampleCosines, type CosineSample } from '../../../../src/pipeline/mars/calibration';
import { debias, withoutRemoved, withRemoved } from '../../../../src/pipeline/mars/debias';
import { MARS_SETTINGS, type SimilarityMap } from '../../../../src/pipeline/mars/marsTypes';
import { decideClasses } from '../../../../src/pipeline/mars/prototypes';
import { regionId } from '../../../../src/pipeline/mars/regions';
import { CellFeatures, likeness, recentre, similarityMap } from '../../../../src/pipeline/mars/similarityMap';
import type { LabelMap, RgbImage } from '../../../../src/shared/maps';
import { reference } from '../../../shared';
import { randomMaps, randomNumbers } from '../maps';
import { toy, TOY_SETTINGS } from './stores';

const ALL = new Set([1, 2, 3]);

test('the toy data set: similarities, best tags, binary masks, debiased labels, what is left of each class', reference('spec/fixtures/mars-toy6.json'), () => {
  const { expected, photos, store } = toy();
  const decisions = decideClasses(store, TOY_SETTINGS);
  const removedOf = new Map<number, number>();
  photos.forEach(({ name, features, mask, tags }, i) => {
    const image = expected.images[i];
    const cells = new CellFeatures(features);
    const found = likeness(cells, name, tags, decisions, TOY_SETTINGS);
    image.similarity_max.flat().forEach((value, p) => assert.ok(Math.abs((found?.values[p] ?? NaN) - value) <= expected.tolerance));
    image.similarity_max.flat().forEach((value, p) => value > 0 && assert.equal(found?.bestTag[p], tags[image.best_tag_index.flat()[p]]));
    const { removed, regions } = debias(mask, similarityMap(cells, name, tags, decisions, TOY_SETTINGS), ALL, TOY_SETTINGS, null);
    assert.deepEqual([...mask.data].map((label, p) => (removed.data[p] ? -1 : label)), image.debiased_label.flat());
    for (const { classId, pixels } of regions) removedOf.set(classId, (removedOf.get(classId) ?? 0) + pixels.length);
    assert.deepEqual(regions.map(({ classId, pixels }) => [classId, [...pixels]]), expected.explanations.filter(({ image: of }) => of === i).map(({ cls, pixels }) => [cls, pixels]));
  });
  for (const [classId, { removed_pixels }] of Object.entries(expected.class_totals)) assert.equal(removedOf.get(Number(classId)) ?? 0, removed_pixels);
});

const sizes = fc.tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }));
const labels = (height: number, width: number, seed: number): LabelMap => {
  const next = randomNumbers(seed);
  return { data: Uint8Array.from({ length: height * width }, () => [0, 0, 1, 2, 3, 255][Math.floor(next() * 6)]), height, width };
};
const mapOf = (height: number, width: number, seed: number): SimilarityMap => ({
  height,
  width,
  values: Uint8Array.from(randomMaps(1, height, width, seed).data, value => value * 256),
  bestTag: new Uint8Array(height * width).fill(1),
});
const photoOf = (height: number, width: number, seed: number): RgbImage => ({ data: Uint8Array.from(randomMaps(3, height, width, seed).data, value => value * 256), height, width });

test('only removable classes lose pixels, background and 255 stay, regions part what was removed, and restoring gives the mask back', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer(), fc.boolean(), fc.nat(4), ([height, width], [h, w], seed, crf, minRegion) => {
      const mask = labels(height, width, seed);
      const settings = { ...MARS_SETTINGS, crf: crf ? MARS_SETTINGS.crf : null, crfSize: 16, minRegion };
      const { removed, regions } = debias(mask, mapOf(h, w, seed + 1), new Set([1, 3]), settings, photoOf(height, width, seed + 2));
      const seen = new Uint8Array(mask.data.length);
      for (const { classId, box, pixels } of regions) {
        assert.ok(pixels.length >= minRegion);
        const [xs, ys] = [[...pixels].map(p => p % width), [...pixels].map(p => Math.floor(p / width))];
        assert.deepEqual(box, [Math.min(...xs), Math.min(...ys), Math.max(...xs) - Math.min(...xs) + 1, Math.max(...ys) - Math.min(...ys) + 1]);
        for (const p of pixels) {
          assert.equal(removed.data[p], classId);
          seen[p]++;
        }
      }
      removed.data.forEach((label, p) => {
        assert.equal(seen[p], label > 0 ? 1 : 0);
        assert.ok(label === 0 || ((label === 1 || label === 3) && label === mask.data[p]));
      });
      assert.equal(new Set(regions.map(region => regionId('a.jpg', region))).size, regions.length);
      for (const as of [0, 255] as const) assert.deepEqual(withRemoved(withoutRemoved(mask, removed, as), removed), mask);
    }),
    { seed: 1, numRuns: 150 },
  );
});

test('nothing goes where all is alike, all goes where nothing is, with and without CRF', () => {
  const mask = labels(20, 30, 4);
  const photo = photoOf(40, 60, 5);
  for (const crf of [null, MARS_SETTINGS.crf]) {
    for (const threshold of [0.2, 0.5, 0.8]) {
      const settings = { ...MARS_SETTINGS, crf, threshold };
      const flat = (value: number): SimilarityMap => ({ height: 4, width: 5, values: new Uint8Array(20).fill(value), bestTag: new Uint8Array(20).fill(1) });
      assert.equal(debias(mask, flat(255), ALL, settings, photo).regions.length, 0);
      const { removed } = debias(mask, flat(0), ALL, settings, photo);
      assert.deepEqual(removed.data, mask.data.map(label => (label === 255 ? 0 : label)));
    }
  }
});

test('the CRF gives pixels to their like, at a size of its own', () => {
  // The class is the red half of the photo; similarity knows it roughly: its left part goes beyond the colour's edge.
  const [height, width] = [60, 80];
  const photo: RgbImage = { data: new Uint8Array(height * width * 3), height, width };
  for (let p = 0; p < height * width; p++) photo.data.set(p % width < 40 ? [200, 30, 30] : [30, 30, 200], p * 3);
  const mask: LabelMap = { data: new Uint8Array(height * width).fill(1), height, width };
  const map: SimilarityMap = { height: 6, width: 8, values: Uint8Array.from({ length: 48 }, (_, cell) => (cell % 8 < 5 ? 180 : 40)), bestTag: new Uint8Array(48).fill(1) };
  const share = (settings: typeof MARS_SETTINGS) => {
    const { removed } = debias(mask, map, ALL, settings, photo);
    return removed.data.reduce((wrong, label, p) => wrong + Number(label > 0 !== p % width >= 40), 0) / (height * width);
  };
  assert.ok(share({ ...MARS_SETTINGS, crf: null }) > 0.1);
  assert.ok(share(MARS_SETTINGS) < 0.02);
  assert.ok(share({ ...MARS_SETTINGS, crfSize: 40 }) < 0.03);
  assert.throws(() => debias(mask, map, ALL, MARS_SETTINGS, null), /photo/);
});

test('nothing is removed without a map, without removable pixels', () => {
  const mask = labels(8, 8, 1);
  for (const [map, removable] of [[null, ALL], [mapOf(4, 4, 1), new Set<number>()], [mapOf(4, 4, 1), new Set([200])]] as const) {
    const { removed, regions } = debias(mask, map, removable, MARS_SETTINGS, null);
    assert.ok(removed.data.every(label => label === 0) && regions.length === 0);
  }
});

test('a tag without prototype is left out; without any there is no map', reference('spec/fixtures/mars-toy6.json'), () => {
  const { photos, store } = toy();
  const decisions = decideClasses(store, TOY_SETTINGS);
  const cells = new CellFeatures(photos[0].features);
  assert.deepEqual(similarityMap(cells, photos[0].name, [1, 77], decisions, TOY_SETTINGS), similarityMap(cells, photos[0].name, [1], decisions, TOY_SETTINGS));
  assert.equal(similarityMap(cells, photos[0].name, [77], decisions, TOY_SETTINGS), null);
  assert.equal(similarityMap(cells, photos[0].name, [], decisions, TOY_SETTINGS), null);
});

test('rules move the cut: recentring keeps order and ends, the sigmoid compares with the other clusters', reference('spec/fixtures/mars-toy6.json'), () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.02, max: 0.98, noNaN: true }), (a, b, cut) => {
      assert.ok(a <= b === recentre(a, cut) <= recentre(b, cut) || Math.abs(a - b) < 1e-12);
      assert.ok(recentre(a, cut) >= 0 && recentre(a, cut) <= 1);
      assert.equal(recentre(a, cut) >= 0.5, a >= cut);
    }),
    { seed: 1 },
  );
  assert.equal(recentre(0.3, 0.5), 0.3);

  const { expected, photos, store } = toy();
  const settings = { ...TOY_SETTINGS, rule: 'two-prototypes' as const };
  const decisions = decideClasses(store, settings);
  const { features, mask, tags } = photos[0];
  const { removed } = debias(mask, similarityMap(new CellFeatures(features), photos[0].name, tags, decisions, settings), ALL, settings, null);
  assert.deepEqual([...mask.data].map((label, p) => (removed.data[p] ? -1 : label)), expected.images[0].debiased_label.flat());
});

test('calibration: the cut is a percentile of the cosines of cells that made the prototype', reference('spec/fixtures/mars-toy6.json'), () => {
  const { photos, store, expected } = toy();
  const settings = { ...TOY_SETTINGS, rule: 'percentile' as const };
  const decisions = decideClasses(store, settings);
  const chosen = calibrationPhotos(decisions);
  const sample: CosineSample = new Map();
  for (const { name, features, mask } of photos.filter(({ name: photo }) => chosen.includes(photo))) sampleCosines(sample, name, features, mask, store, decisions);
  const selectedCells = (classId: number) => decisions.get(classId)?.ranking.slice(0, decisions.get(classId)?.selected).reduce((sum, { cells }) => sum + cells, 0);
  assert.deepEqual([...sample].sort(([a], [b]) => a - b).map(([classId, cosines]) => [classId, cosines.length]), [1, 2, 3].map(classId => [classId, selectedCells(classId)]));
  const calibrated = calibrate(decisions, sample, 25);
  for (const [classId, cosines] of sample) {
    const cut = calibrated.get(classId)?.calibration ?? NaN;
    assert.ok(cosines.filter(cosine => cosine < cut).length <= 0.25 * (cosines.length - 1) + 1);
    assert.ok(cosines.filter(cosine => cosine <= cut).length >= 0.25 * (cosines.length - 1));
    assert.ok(cut > 0.9, 'these features are clean');
  }
  // A cut at the lowest cosine keeps them all, though 0.5 would keep no more here.
  const loose = calibrate(decisions, sample, 0);
  photos.forEach(({ name, features, mask, tags }, i) => {
    const { removed } = debias(mask, similarityMap(new CellFeatures(features), name, tags, loose, settings), new Set([1]), settings, null);
    if (tags[0] === 1) assert.ok([...removed.data].every((label, p) => label === 0 || expected.images[i].binary_mask_thr_0_5.flat()[p] === 0));
  });
  assert.equal(calibrate(decisions, new Map(), 5).get(1)?.calibration, null);
  assert.equal(calibrationPhotos(decisions, 1).length <= 3, true);
});
